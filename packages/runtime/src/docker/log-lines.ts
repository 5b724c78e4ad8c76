import { maxLineLength } from '../shared/lines.ts';
import { type StampedLine, stampedLine } from '../shared/stamped-lines.ts';
import type { LogEntry } from './log-frames.ts';

/** Puts the entries of each stream together to lines; every entry begins with the engine's time and a blank. */
export async function* linesOfLog(entries: AsyncIterable<LogEntry>): AsyncGenerator<StampedLine> {
  const begun = new Map<LogEntry['stream'], { stamp: string; text: string }>();
  for await (const { stream, text } of entries) {
    const blank = text.indexOf(' ');
    const { stamp, text: before } = begun.get(stream) ?? { stamp: text.slice(0, blank), text: '' };
    const line = before + text.slice(blank + 1);
    if (line.endsWith('\n') || line.length > maxLineLength) {
      begun.delete(stream);
      yield stampedLine(stream, stamp, line);
    } else begun.set(stream, { stamp, text: line });
  }
  // What a container said last need not end a line.
  for (const [stream, { stamp, text }] of begun) yield stampedLine(stream, stamp, text);
}
