import { messageOf } from '@agentcrew/protocol';
import { NotSendable } from './compose.ts';
import { TargetRefused } from './connector.ts';
import type { Answer } from './send.ts';

/** What to make of an attempt. */
export interface Verdict {
  /** `again` if there are attempts left. */
  outcome: 'success' | 'again' | 'failed';
  error: string;
  status_code: number;
  response_body: string;
  /** What the other side asks to wait, in milliseconds. */
  waitMs: number;
}

const longestWaitMs = 300_000;

export function verdictOnAnswer({ status, retryAfter, body }: Answer, now: Date): Verdict {
  const seen = { status_code: status, response_body: body, waitMs: 0 };
  if (status < 400) return { ...seen, outcome: 'success', error: '' };
  const error = `HTTP ${status}`;
  if (status < 500 && status !== 429) return { ...seen, outcome: 'failed', error };
  return { ...seen, outcome: 'again', error, waitMs: waitOf(retryAfter, now) };
}

/** `timeoutMs` is given when the time was over. */
export function verdictOnError(error: unknown, timeoutMs?: number): Verdict {
  const text = timeoutMs === undefined ? reason(error) : `no complete answer within ${timeoutMs / 1000} s`;
  const outcome = isFinal(error) ? 'failed' : 'again';
  return { outcome, error: text, status_code: 0, response_body: '', waitMs: 0 };
}

function isFinal(error: unknown): boolean {
  if (error instanceof TargetRefused || error instanceof NotSendable) return true;
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_INVALID_ARG';
}

/** When several addresses were tried, the whole has no text of its own. */
function reason(error: unknown): string {
  const first = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  return messageOf(first) || 'the connection failed';
}

/** `Retry-After` in seconds or as a date; 0 when it says nothing, and no more than five minutes. */
function waitOf(retryAfter: string | undefined, now: Date): number {
  if (retryAfter === undefined) return 0;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now.getTime();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longestWaitMs);
}
