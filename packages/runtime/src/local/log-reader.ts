import { open } from 'node:fs/promises';
import type { LogLine } from '../runtime.ts';

const chunkBytes = 64 * 1024;
/** A line without an end is cut here. */
const maxLineBytes = 1024 * 1024;
const newline = 0x0a;

/** RFC 3339 of a JSON log line's `time` (ISO text or epoch milliseconds), else of `fallback`. */
export function timeOfLine(line: string, fallback: Date): string {
  try {
    const entry: unknown = JSON.parse(line);
    const time: unknown = typeof entry === 'object' && entry && 'time' in entry ? entry.time : undefined;
    const date = typeof time === 'number' || typeof time === 'string' ? new Date(time) : fallback;
    return (Number.isNaN(date.getTime()) ? fallback : date).toISOString();
  } catch {
    return fallback.toISOString();
  }
}

/** Reads a growing log file line by line, from a position on; starts over when the file is emptied or replaced. */
export class LogReader {
  readonly #path: string;
  readonly #stream: LogLine['stream'];
  #offset: number;
  #inode: number | undefined;
  #partial = Buffer.alloc(0);

  constructor(path: string, stream: LogLine['stream'], offset = 0) {
    this.#path = path;
    this.#stream = stream;
    this.#offset = offset;
  }

  /**
   * The complete lines of the next 64 KiB; `undefined` when there is nothing more for now.
   * @param live stamps lines without a time with now instead of the file's own time
   */
  async read(live: boolean): Promise<LogLine[] | undefined> {
    const file = await open(this.#path).catch(() => undefined);
    if (!file) return undefined;
    try {
      const { ino, size, mtime } = await file.stat();
      if (size < this.#offset || (this.#inode ?? ino) !== ino) this.#restart();
      this.#inode = ino;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.#offset);
      if (bytesRead === 0) return undefined;
      this.#offset += bytesRead;
      return this.#split(buffer.subarray(0, bytesRead)).map((line) => this.#toLine(line, live ? new Date() : mtime));
    } finally {
      await file.close();
    }
  }

  /** What came after the last newline, as a line of its own. */
  rest(): LogLine[] {
    const line = this.#partial.toString('utf8');
    this.#partial = Buffer.alloc(0);
    return line ? [this.#toLine(line, new Date())] : [];
  }

  #restart(): void {
    this.#offset = 0;
    this.#partial = Buffer.alloc(0);
  }

  #split(chunk: Buffer): string[] {
    const data = Buffer.concat([this.#partial, chunk]);
    const end = data.length > maxLineBytes ? data.length : data.lastIndexOf(newline) + 1;
    this.#partial = data.subarray(end);
    const lines = data.toString('utf8', 0, end).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #toLine(line: string, fallback: Date): LogLine {
    return { stream: this.#stream, time: timeOfLine(line, fallback), line: line.replace(/\r$/, '') };
  }
}

/** Where the last `count` lines of a file begin, in bytes; looks at most 8 MiB back. */
export async function tailOffset(path: string, count: number): Promise<number> {
  const file = await open(path).catch(() => undefined);
  if (!file) return 0;
  try {
    const { size } = await file.stat();
    const floor = Math.max(0, size - 128 * chunkBytes);
    let found = 0;
    for (let end = size; end > floor; ) {
      const start = Math.max(floor, end - chunkBytes);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      for (let index = buffer.length - 1; index >= 0; index--) {
        // The newline that ends the file's last line begins no further one.
        if (buffer[index] !== newline || start + index === size - 1) continue;
        if (++found === count) return start + index + 1;
      }
      end = start;
    }
    return floor;
  } finally {
    await file.close();
  }
}
