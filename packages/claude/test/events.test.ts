import { expect, test } from 'vitest';
import { costIn } from '../src/cost.ts';
import { toEvents } from '../src/index.ts';

/** As the CLI printed it for an account with a subscription, at a 429 with the headers `anthropic-ratelimit-unified-*`. */
const rejected = {
  type: 'rate_limit_event',
  rate_limit_info: { status: 'rejected', resetsAt: 1_795_730_727, rateLimitType: 'five_hour', isUsingOverage: false },
  uuid: '0851b89d-86d4-43a0-8c85-2e2cdad1b1d7',
};

test('tells until when the account is limited', () => {
  expect(toEvents(rejected)).toEqual([{ type: 'rate_limit', resetsAt: 1_795_730_727_000 }]);
});

test('a limit that is only near is no limit', () => {
  const near = { ...rejected, rate_limit_info: { ...rejected.rate_limit_info, status: 'allowed_warning' } };
  expect(toEvents(near)).toEqual([{ type: 'other', line: near }]);
});

test.each([
  ['Estimated cost:        $0.0020\nTotal duration (API):  0s', 0.002],
  ['Estimated cost:        $1,234.50\nUsage by model:', 1234.5],
  ['You are on a plan without costs', undefined],
  [undefined, undefined],
])('reads the cost of the session from %j', (text, cost) => {
  expect(costIn({ text })).toBe(cost);
});
