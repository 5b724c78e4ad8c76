import { CrewError, messageOf } from '@agentcrew/protocol';
import { Cron } from 'croner';

/** When a schedule is due. Its times are whole minutes. */
export interface CronTimes {
  /** The first time after `moment`; `undefined`: never. */
  next(moment: Date): Date | undefined;
  /** The last `limit` times from `from` to `until`, both included, oldest first. */
  between(from: Date, until: Date, limit: number): Date[];
}

/**
 * Reads a cron expression of five fields in a time zone (IANA name). Day of month and day of week must both match.
 * @throws CrewError INVALID_REQUEST with the rule that is broken.
 */
export function readCron(expression: string, timezone: string): CronTimes {
  checkZone(timezone);
  if (expression.trim().split(/\s+/).length !== 5) throw invalid('cron_expression must have 5 fields');
  // It stands for the present time, which would be another one at each reading.
  if (expression.includes('?')) throw invalid('cron_expression must not contain "?"');
  const cron = parse(expression.trim(), timezone);
  return {
    next: (moment) => cron.nextRun(moment) ?? undefined,
    between(from, until, limit) {
      const end = new Date(Math.floor(until.getTime() / 1000) * 1000 + 1000);
      // Few first: the last thousand times of a yearly schedule take a thousand years to look through.
      for (let count = 8; ; count *= 2) {
        const times = cron.previousRuns(Math.min(count, limit), end);
        const within = times.filter((time) => time >= from);
        if (within.length < times.length || times.length < count) return within.reverse();
      }
    },
  };
}

function parse(expression: string, timezone: string): Cron {
  try {
    return new Cron(expression, { timezone, mode: '5-part', domAndDow: true, paused: true });
  } catch (error) {
    const rule = messageOf(error).replace(/^CronPattern: /, '');
    throw invalid(`cron_expression is not valid: ${rule}`, error);
  }
}

/** Offsets such as `+02:00` are no names of zones: they know no daylight saving. */
function checkZone(timezone: string): void {
  try {
    if (!/^[a-z]/i.test(timezone)) throw new RangeError('not a name');
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch (error) {
    throw invalid('timezone must be the IANA name of a time zone, such as Europe/Berlin', error);
  }
}

function invalid(text: string, cause?: unknown): CrewError {
  return new CrewError('INVALID_REQUEST', text, { cause });
}
