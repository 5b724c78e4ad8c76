function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** A log line for a person: of a JSON line its message and error, anything else as it is. */
export function readableLine(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    if (!isRecord(entry) || typeof entry.msg !== 'string') return line;
    const error = isRecord(entry.err) && typeof entry.err.message === 'string' ? entry.err.message : undefined;
    return error && !entry.msg.includes(error) ? `${entry.msg}: ${error}` : entry.msg;
  } catch {
    return line;
  }
}
