import { durationSchema, goDuration, parseDuration, retentionSchema } from '@agentcrew/api/duration.ts';
import { expect, test } from 'vitest';

test.each([
  ['500ms', 500],
  ['0s', 0],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1d2h3m4s5ms', 93_784_005],
])('%s are %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 'm', '-5m', '1.5h', '5 m', '5M', '1h 30m', 'forever', '9999999999999999d', '5mm'])(
  '%j is none',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('in a variable blanks around it are fine, and zero is not', () => {
  expect(durationSchema.parse(' 5m\n')).toBe(300_000);
  expect(durationSchema.safeParse('0s').error?.issues[0]?.message).toContain('must be a duration');
});

test('what is kept is kept for an hour or longer, or for ever', () => {
  expect([' 1h', '90d', 'forever'].map((text) => retentionSchema.parse(text))).toEqual([
    3_600_000,
    7_776_000_000,
    undefined,
  ]);
  for (const text of ['59m', '0d', 'x'])
    expect(retentionSchema.safeParse(text).error?.issues[0]?.message).toContain('at least 1h');
});

test.each([
  [3_600_000, '1h'],
  [1_800_000, '30m0s'],
  [5_400_000, '1h30m0s'],
  [90_500, '1m30.5s'],
  [45_000, '45s'],
  [500, '500ms'],
])('%i ms as Go writes it: %s', (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});
