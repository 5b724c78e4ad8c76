import type { LogLine } from '../runtime.ts';
import type { LogEntry } from './log-frames.ts';

/** A line without an end is cut here. */
const maxLineLength = 1024 * 1024;

/** A line with the engine's own time: RFC 3339 with nanoseconds, which grows from line to line. */
export interface StampedLine extends LogLine {
  stamp: string;
}

/** Puts the entries of each stream together to lines; every entry begins with the engine's time and a blank. */
export async function* linesOfLog(entries: AsyncIterable<LogEntry>): AsyncGenerator<StampedLine> {
  const begun = new Map<LogEntry['stream'], { stamp: string; text: string }>();
  for await (const { stream, text } of entries) {
    const blank = text.indexOf(' ');
    const { stamp, text: before } = begun.get(stream) ?? { stamp: text.slice(0, blank), text: '' };
    const line = { stamp, text: before + text.slice(blank + 1) };
    if (line.text.endsWith('\n') || line.text.length > maxLineLength) {
      begun.delete(stream);
      yield stamped(stream, line);
    } else begun.set(stream, line);
  }
  // What a container said last need not end a line.
  for (const [stream, line] of begun) yield stamped(stream, line);
}

function stamped(stream: LogEntry['stream'], { stamp, text }: { stamp: string; text: string }): StampedLine {
  return { stream, stamp, time: new Date(stamp).toISOString(), line: text.replace(/\r?\n$/, '') };
}
