import { wantedPart } from '@agentcrew/api/content-range.ts';
import { expect, test } from 'vitest';

const file = { size: 10, etag: '"v1"' };
const whole = [0, 10, false];

test.each([
  [undefined, whole],
  ['bytes=0-3', [0, 4, true]],
  ['bytes=4-', [4, 6, true]],
  ['bytes=-3', [7, 3, true]],
  ['bytes=-99', [0, 10, true]],
  ['bytes=0-99', [0, 10, true]],
  ['bytes=9-9', [9, 1, true]],
  ['BYTES=0-0', [0, 1, true]],
  ['bytes=0-1,4-5', whole],
  ['bytes=0-1,99-', whole],
  ['bytes=5-4', whole],
  ['bytes=a-b', whole],
  ['bytes=', whole],
  ['bytes', whole],
  ['lines=0-1', whole],
  ['bytes=10-', undefined],
  ['bytes=99-100', undefined],
  ['bytes=-0', undefined],
])('of 10 bytes %j means %j', (range, expected) => {
  const wanted = wantedPart({ range }, file);
  expect(wanted && [wanted.offset, wanted.length, wanted.partial]).toEqual(expected);
});

test('of an empty file there is only the whole', () => {
  const empty = { ...file, size: 0 };
  expect(wantedPart({}, empty)).toEqual({ offset: 0, length: 0, partial: false });
  expect(wantedPart({ range: 'bytes=-1' }, empty)).toEqual({ offset: 0, length: 0, partial: false });
  expect(wantedPart({ range: 'bytes=0-' }, empty)).toBeUndefined();
});

test.each([
  ['"v1"', true],
  ['"v0"', false],
  ['W/"v1"', false],
  ['Sat, 31 Jan 2026 12:00:00 GMT', false],
])('If-Range %s', (ifRange, partial) => {
  expect(wantedPart({ range: 'bytes=0-0', ifRange }, file)?.partial).toBe(partial);
});
