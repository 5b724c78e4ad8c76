import { expect } from 'vitest';
import type { Answer } from './client.ts';

/** The error form of the wire: exactly these keys, a text for a person, a code for a program. */
export function expectError(answer: Answer, status: number, code: string, text?: string | RegExp): void {
  expect({ status: answer.status, body: answer.body ?? answer.text }).toEqual({
    status,
    body: {
      error: text === undefined ? expect.stringMatching(/\S/) : matching(text),
      code,
      request_id: answer.headers.get('x-request-id'),
      ...(answer.body?.details === undefined ? {} : { details: expect.anything() }),
    },
  });
}

function matching(text: string | RegExp): unknown {
  return typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text);
}
