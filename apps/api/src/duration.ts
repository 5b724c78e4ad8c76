import { z } from 'zod';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(?:\d+(?:ms|s|m|h|d))+$/;

/** Milliseconds of a duration such as `90s`, `1h30m` or `7d`; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * unitMs[unit as keyof typeof unitMs];
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The longest wait that a timer of Node takes is 2^31 ms; a longer one would end at once. */
const longestTimerMs = 24 * unitMs.d;

/** A duration in a variable of the environment, as milliseconds. */
export const durationSchema = z.string().transform((text, context) => {
  const ms = parseDuration(text.trim());
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 500ms, 30s, 5m, 1h30m or 7d' });
  return z.NEVER;
});

/** The same for what a timer has to wait. */
export const timerSchema = durationSchema.refine((ms) => ms <= longestTimerMs, 'must be at most 24d');

/** How long something is kept, in milliseconds; `undefined` for ever. */
export const retentionSchema = z.string().transform((text, context) => {
  if (text.trim() === 'forever') return undefined;
  const ms = parseDuration(text.trim());
  if (ms !== undefined && ms >= unitMs.h) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration of at least 1h, such as 90d, or `forever`' });
  return z.NEVER;
});

/** A duration as the frontend knows it from Go (`1h30m0s`); a single hour is `1h`. */
export function goDuration(ms: number): string {
  if (ms === unitMs.h) return '1h';
  if (ms < unitMs.s) return `${ms}ms`;
  const [hours, minutes] = [Math.floor(ms / unitMs.h), Math.floor((ms % unitMs.h) / unitMs.m)];
  const seconds = `${(ms % unitMs.m) / unitMs.s}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
