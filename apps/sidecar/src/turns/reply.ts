import type { TurnResult } from '@agentcrew/claude';
import type { Envelope, ReplyPayload } from '@agentcrew/protocol';
import { cut } from '../cut.ts';
import { failureOf } from './failures.ts';
import type { EndReason } from './turn-end.ts';

/** What is shown when Claude ends a turn without a word; an empty result would look like no answer at all. */
const noText = '(no text)';
const cutNote = '\n\n[The answer was too long for the message bus and is cut off here.]';

/** The reply to a turn that ran to its result. An end that was wished for but came too late does not count. */
export function replyOf(result: TurnResult, end?: EndReason): ReplyPayload {
  const facts = {
    usage: result.usage,
    cost_usd: result.costUsd,
    duration_ms: result.durationMs,
    session_id: result.sessionId,
  };
  if (result.outcome === 'completed') return { ...completed(result.text), ...facts };
  if (end) return { ...end, ...facts };
  if (result.outcome === 'interrupted') return { ...interrupted(), ...facts };
  return { ...failureOf(result), ...facts };
}

export function completed(text: string): ReplyPayload {
  return { status: 'completed', result: text.trim() === '' ? noText : text };
}

export function interrupted(reason?: string): EndReason {
  const error = `The turn was interrupted${reason ? `: ${reason}` : '.'}`;
  return { status: 'interrupted', code: 'TURN_INTERRUPTED', error };
}

export function deadlinePassed(): EndReason {
  return { status: 'failed', code: 'DEADLINE_PASSED', error: 'The deadline passed before the work was done.' };
}

/** The reply with its text shortened until it fits into `maxBytes` as JSON. */
export function fitting(reply: Envelope, maxBytes: number): Envelope {
  const { result, error } = reply.payload;
  const key = typeof result === 'string' ? 'result' : 'error';
  const text = key === 'result' ? result : error;
  if (typeof text !== 'string' || bytesOf(reply) <= maxBytes) return reply;
  const rest = maxBytes - bytesOf({ ...reply, payload: { ...reply.payload, [key]: cutNote } });
  const share = Math.max(0, rest) / (bytesOf(text) - 2);
  const shorter = withText(reply, key, cut(text, Math.floor(text.length * share), cutNote));
  // Characters differ in bytes: where the beginning is wider than the average, cut by the widest (six bytes, `\u001f`).
  return bytesOf(shorter) <= maxBytes ? shorter : withText(reply, key, cut(text, Math.floor(rest / 6), cutNote));
}

function withText(reply: Envelope, key: string, text: string): Envelope {
  return { ...reply, payload: { ...reply.payload, [key]: text } };
}

function bytesOf(data: unknown): number {
  return Buffer.byteLength(JSON.stringify(data));
}
