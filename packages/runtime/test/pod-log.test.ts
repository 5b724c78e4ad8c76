import { describe, expect, test } from 'vitest';
import { lineOfEntry } from '../src/kubernetes/pod-log.ts';

describe('an entry of a pod log', () => {
  test.each([
    ['2026-01-02T03:04:05.123456789Z words  here', '2026-01-02T03:04:05.123456789Z', 'words  here'],
    ['2026-01-02T03:04:05.12Z short', '2026-01-02T03:04:05.120000000Z', 'short'],
    ['2026-01-02T03:04:05Z whole', '2026-01-02T03:04:05.000000000Z', 'whole'],
    ['2026-01-02T05:04:05.5+02:00 elsewhere', '2026-01-02T03:04:05.500000000Z', 'elsewhere'],
    ['2026-01-02T03:04:05.123456789Z ', '2026-01-02T03:04:05.123456789Z', ''],
  ])('has a stamp that compares: %s', (entry, stamp, line) => {
    expect(lineOfEntry(entry)).toEqual({ stream: 'stdout', stamp, time: `${stamp.slice(0, 23)}Z`, line });
  });

  test.each([
    'unable to retrieve container logs for containerd://0123',
    '',
    '2026-01-02T03:04:05Z',
    '2026-99-02T03:04:05Z x',
  ])('is no line without one: %s', (entry) => {
    expect(lineOfEntry(entry)).toBeUndefined();
  });
});
