import { describe, expect, test } from 'vitest';
import { lastWordsOf } from '../src/shared/last-words.ts';
import { linesOf, maxLineLength } from '../src/shared/lines.ts';

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const data = Buffer.from(text);
  for (let start = 0; start < data.length; start += size) yield data.subarray(start, start + size);
}

describe('the lines of a stream', () => {
  test.each([1, 2, 100])('are cut at the ends of line, however the stream is cut (%i bytes)', async (size) => {
    const lines = await Array.fromAsync(linesOf(pieces('{"a":"ü"}\r\n\n{"b":1}\nrest', size)));
    expect(lines).toEqual(['{"a":"ü"}', '{"b":1}', 'rest']);
  });

  test('are cut when they do not end', async () => {
    const lines = await Array.fromAsync(linesOf(pieces('x'.repeat(3 * maxLineLength), 65_536)));
    expect(lines.join('')).toHaveLength(3 * maxLineLength);
    expect(lines.length).toBeGreaterThan(2);
  });
});

describe('last words', () => {
  test('are the last lines that say something, readable, without secrets, and short', () => {
    const lines = [
      'one',
      'two',
      '{"msg":"no bus","err":{"message":"refused"}}',
      ' ',
      'key canary-key-123',
      'four',
      'end',
    ];
    expect(lastWordsOf(lines, ['canary-key-123'])).toBe('two | no bus: refused | key [redacted] | four | end');
    expect(lastWordsOf(['.'.repeat(5_000)], [])).toHaveLength(601);
    expect(lastWordsOf(['', '  '], [])).toBe('');
  });
});
