import { appendFile, rename, truncate, writeFile } from 'node:fs/promises';
import { latch, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { lastWords } from '../src/local/failure-text.ts';
import { layout } from '../src/local/layout.ts';
import { boundLog, lastLines, maxLogBytes, rotateLog, sizeOf } from '../src/local/log-files.ts';
import { LogReader, tailOffset, timeOfLine } from '../src/local/log-reader.ts';
import { streamAgentLogs } from '../src/local/log-stream.ts';
import { ensurePrivateFolder } from '../src/local/private-files.ts';
import type { LogLine } from '../src/runtime.ts';
import { readableLine } from '../src/shared/readable-line.ts';

async function agentFolder() {
  const folder = await temporaryFolder();
  const files = layout(folder.path).agent('crew', 'lead');
  await ensurePrivateFolder(files.stateDir);
  return { files, [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose]() };
}

async function linesOf(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const read: string[] = [];
  for await (const { line } of lines) read.push(line);
  return read;
}

const at = (second: number, msg: string) => JSON.stringify({ time: Date.UTC(2026, 0, 1, 0, 0, second), msg });

describe('the time of a line', () => {
  const fallback = new Date('2026-01-01T00:00:00Z');
  it.each([
    ['epoch milliseconds', '{"time":1767225600500}', '2026-01-01T00:00:00.500Z'],
    ['ISO text', '{"time":"2026-01-01T00:00:01Z"}', '2026-01-01T00:00:01.000Z'],
    ['nonsense', '{"time":"soon"}', '2026-01-01T00:00:00.000Z'],
    ['another type', '{"time":{}}', '2026-01-01T00:00:00.000Z'],
    ['no object', 'null', '2026-01-01T00:00:00.000Z'],
    ['no JSON', 'plain words', '2026-01-01T00:00:00.000Z'],
  ])('%s', (_, line, time) => {
    expect(timeOfLine(line, fallback)).toBe(time);
  });
});

describe('streamed logs', () => {
  it('merges the two files by time and numbers the tail over both', async () => {
    await using folder = await agentFolder();
    await writeFile(folder.files.stdout, `${at(1, 'a')}\n${at(3, 'c')}\n${at(5, 'e')}\n`);
    await writeFile(folder.files.stderr, `${at(2, 'b')}\n${at(4, 'd')}`);
    const all = await linesOf(streamAgentLogs(folder.files, {}));
    expect(all.map((line) => JSON.parse(line).msg)).toEqual(['a', 'b', 'c', 'd', 'e']);
    const tail = await linesOf(streamAgentLogs(folder.files, { tail: 2 }));
    expect(tail.map((line) => JSON.parse(line).msg)).toEqual(['d', 'e']);
    expect(await linesOf(streamAgentLogs(folder.files, { tail: 0 }))).toEqual([]);
  });

  it('follows: whole lines only, over truncation and replacement, from no file on', async () => {
    await using folder = await agentFolder();
    const { stdout } = folder.files;
    const seen: string[] = [];
    const controller = new AbortController();
    const done = latch();
    void (async () => {
      for await (const { line } of streamAgentLogs(folder.files, {
        follow: true,
        tail: 10,
        signal: controller.signal,
      })) {
        seen.push(line);
      }
      done.open();
    })();
    const sees = async (...lines: string[]) =>
      waitFor(`the lines ${lines}, not ${seen}`, () => JSON.stringify(seen) === JSON.stringify(lines));
    await writeFile(stdout, 'one\ntw');
    await sees('one');
    await appendFile(stdout, 'o\n');
    await sees('one', 'two');
    await truncate(stdout, 0);
    await appendFile(stdout, 'x\n');
    await sees('one', 'two', 'x');
    await rename(stdout, `${stdout}.1`);
    await writeFile(stdout, 'replaced\n');
    await sees('one', 'two', 'x', 'replaced');
    controller.abort();
    await done.promise;
  });

  it('reads lines that are longer than a chunk, and cuts endless ones', async () => {
    await using folder = await agentFolder();
    const long = 'ä'.repeat(100_000);
    await writeFile(folder.files.stdout, `${long}\nnext\n${'x'.repeat(3_000_000)}`);
    const lines = await linesOf(streamAgentLogs(folder.files, {}));
    expect(lines.slice(0, 2)).toEqual([long, 'next']);
    expect(lines.slice(2).join('')).toHaveLength(3_000_000);
    expect(lines.length).toBeGreaterThan(3);
  });

  it('finds where the last lines begin, over many chunks', async () => {
    await using folder = await agentFolder();
    const { stdout } = folder.files;
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index} ${'.'.repeat(index % 97)}`);
    await writeFile(stdout, `${lines.join('\n')}\n`);
    for (const count of [1, 2, 100, 4_999]) {
      const reader = new LogReader(stdout, 'stdout', await tailOffset(stdout, count));
      expect((await reader.read(false))?.[0]?.line).toBe(lines[5_000 - count]);
    }
    expect(await tailOffset(stdout, 9_999)).toBe(0);
    expect(await tailOffset(`${stdout}.none`, 5)).toBe(0);
  });
});

describe('log files', () => {
  it('moves an over-long log aside, at the start and under its writer', async () => {
    await using folder = await agentFolder();
    const { stdout, stderr } = folder.files;
    for (const path of [stdout, stderr]) {
      await writeFile(path, 'short');
      await rotateLog(path);
      await boundLog(path);
      expect(await sizeOf(path)).toBe(5);
      await writeFile(path, 'x'.repeat(maxLogBytes + 1));
    }
    await rotateLog(stdout);
    await boundLog(stderr);
    expect([await sizeOf(stdout), await sizeOf(`${stdout}.1`)]).toEqual([0, maxLogBytes + 1]);
    expect([await sizeOf(stderr), await sizeOf(`${stderr}.1`)]).toEqual([0, maxLogBytes + 1]);
    await rotateLog(`${stdout}.none`);
  });

  it('gives the last lines from a position on', async () => {
    await using folder = await agentFolder();
    await writeFile(folder.files.stdout, 'old\nnew one\nnew two\n');
    expect(await lastLines(folder.files.stdout, 5, 4)).toEqual(['new one', 'new two']);
    expect(await lastLines(folder.files.stdout, 1)).toEqual(['new two']);
  });
});

describe('last words', () => {
  it('reads a JSON line for its message and error', () => {
    expect(readableLine('{"msg":"no bus","err":{"message":"refused"}}')).toBe('no bus: refused');
    expect(readableLine('{"msg":"refused","err":{"message":"refused"}}')).toBe('refused');
    expect(readableLine('{"level":30}')).toBe('{"level":30}');
    expect(readableLine('Error: plain')).toBe('Error: plain');
  });

  it('prefers the errors, hides secrets and stays short', async () => {
    await using folder = await agentFolder();
    await writeFile(folder.files.stdout, 'starting\n');
    expect(await lastWords(folder.files, [])).toBe('starting');
    await writeFile(folder.files.stderr, `${'.'.repeat(5_000)} key canary-key-123 refused\n`);
    const words = await lastWords(folder.files, ['canary-key-123']);
    expect(words).toContain('key [redacted] refused');
    expect(words.length).toBeLessThan(700);
  });
});
