import type { LogLine } from '../runtime.ts';

/** A line with the time at which it was written: RFC 3339 with nanoseconds, which grows from line to line. */
export interface StampedLine extends LogLine {
  stamp: string;
}

export function stampedLine(stream: LogLine['stream'], stamp: string, text: string): StampedLine {
  return { stream, stamp, time: new Date(stamp).toISOString(), line: text.replace(/\r?\n$/, '') };
}
