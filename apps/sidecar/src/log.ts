import { pino } from 'pino';
import type { Redactor } from './redactor.ts';

export type Log = pino.Logger;

/** JSON lines on the standard output. Prompts and secrets are never put in; what slips through is redacted. */
export function createLog(level: string, ids: { team: string; agent: string }, redactor: Redactor): Log {
  // The reader of the lines may end before this process does; that must not end the agent.
  process.stdout.on('error', () => {});
  const options = { level, base: ids, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, { write: (line: string) => process.stdout.write(redactor.text(line)) });
}
