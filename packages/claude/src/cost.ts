import { isObject } from './lines.ts';

/** The dollars in the CLI's answer to `get_session_cost`, which is a text for people; `undefined` when there are none. */
export function costIn(answer: unknown): number | undefined {
  const text = isObject(answer) && typeof answer.text === 'string' ? answer.text : '';
  const amount = /^Estimated cost:\s+\$([\d,]+(?:\.\d+)?)/m.exec(text)?.[1];
  return amount === undefined ? undefined : Number(amount.replaceAll(',', ''));
}
