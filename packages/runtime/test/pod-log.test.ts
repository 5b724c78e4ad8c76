import { describe, expect, test } from 'vitest';
import { linesOfEntries } from '../src/kubernetes/pod-log.ts';

const linesOf = async (...entries: string[]) => Array.fromAsync(linesOfEntries(entries));

describe('an entry of a pod log', () => {
  test.each([
    ['2026-01-02T03:04:05.123456789Z words  here', '2026-01-02T03:04:05.123456789Z', 'words  here'],
    ['2026-01-02T03:04:05.12Z short', '2026-01-02T03:04:05.120000000Z', 'short'],
    ['2026-01-02T03:04:05Z whole', '2026-01-02T03:04:05.000000000Z', 'whole'],
    ['2026-01-02T05:04:05.5+02:00 elsewhere', '2026-01-02T03:04:05.500000000Z', 'elsewhere'],
    ['2026-01-02T03:04:05.123456789Z ', '2026-01-02T03:04:05.123456789Z', ''],
  ])('has a stamp that compares: %s', async (entry, stamp, line) => {
    expect(await linesOf(entry)).toEqual([{ stream: 'stdout', stamp, time: `${stamp.slice(0, 23)}Z`, line }]);
  });

  test.each([
    'unable to retrieve container logs for containerd://0123',
    '',
    '2026-01-02T03:04:05Z',
    '2026-99-02T03:04:05Z x',
  ])('is no line without one: %s', async (entry) => {
    expect(await linesOf(entry)).toEqual([]);
  });

  test('is without what the kubelet adds to the last of them', async () => {
    const gone = `rpc error: code = NotFound desc = an error occurred when try to find container "${'4f'.repeat(32)}": not found`;
    const entry = (words: string) => `2026-01-02T03:04:05Z ${words}`;
    const words = async (...entries: string[]) => (await linesOf(...entries)).map(({ line }) => line);
    expect(await words(entry('one'), entry(`two${gone}`))).toEqual(['one', 'two']);
    expect(await words(entry('one'), entry(`two${gone}`), gone)).toEqual(['one', 'two']);
    expect(await words(entry(`I read: ${gone}`), entry('two'))).toEqual([`I read: ${gone}`, 'two']);
  });
});
