import { expect, test } from 'vitest';
import { parseObject, readLines } from '../src/lines.ts';

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  async function* stream() {
    yield* chunks.map((chunk) => Buffer.from(chunk as string));
  }
  const lines: string[] = [];
  for await (const line of readLines(stream())) lines.push(line);
  return lines;
}

test('lines end at line feeds only, and the rest is a line', async () => {
  expect(await linesOf('a\nb', 'c\n\n', 'x\u2028y\rz')).toEqual(['a', 'bc', '', 'x\u2028y\rz']);
  expect(await linesOf()).toEqual([]);
});

test('a character split between chunks stays whole', async () => {
  const bytes = Buffer.from('{"t":"🍎ä"}\n');
  const chunks = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
  expect(await linesOf(...chunks)).toEqual(['{"t":"🍎ä"}']);
});

test('a line of 40 MB is read in one piece, in linear time', async () => {
  const chunk = Buffer.alloc(65_536, 'x');
  const chunks = Array.from({ length: 640 }, () => chunk);
  const [line] = await linesOf(...chunks, '\n');
  expect(line).toHaveLength(640 * 65_536);
});

test.each(['', 'no json', 'null', '[]', '"text"', '{"torn":'])('%j holds no object', (text) => {
  expect(parseObject(text)).toBeUndefined();
});
