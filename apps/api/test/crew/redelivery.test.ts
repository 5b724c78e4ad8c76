import { requeueLost } from '@agentcrew/api/crew/redelivery.ts';
import { agentConsumer, relayConsumer } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FakeBus } from '../support/fake-bus.ts';
import { startTestCrew, type TestCrew } from '../support/test-crew.ts';

let crew: TestCrew;
let id: string;
let bus: FakeBus;
beforeEach(async () => {
  crew = startTestCrew();
  const team = await crew.createRunningTeam();
  id = team.id;
  bus = crew.buses.of(team.slug);
  for (const text of ['a', 'b', 'c']) crew.crew.acceptChat(id, text);
  await waitFor('all to be sent', () => crew.messages(id).every(({ delivery }) => delivery === 'sent'));
});
afterEach(() => crew[Symbol.asyncDispose]());

const minute = 60_000;
const deliveries = () => crew.messages(id).map(({ delivery }) => delivery);

async function requeue(afterMs = minute): Promise<number> {
  const open = crew.crew.buses.get(id);
  if (!open) throw new Error('no bus');
  return requeueLost(crew.db, crew.team(id), open, new Date(Date.now() + afterMs));
}

test('messages that are nowhere any more are sent again', async () => {
  expect(await requeue()).toBe(3);
  expect(deliveries()).toEqual(['pending', 'pending', 'pending']);
  expect(await requeue()).toBe(0);
});

test('those that were sent only just now are not lost', async () => {
  expect(await requeue(10_000)).toBe(0);
});

test('those that are answered are not', async () => {
  const [first] = crew.messages(id);
  if (!first) throw new Error('no message');
  crew.crew.messages.storeFailure(first, 'Lead', 'TURN_FAILED', 'no');
  expect(await requeue()).toBe(2);
  expect(deliveries().slice(0, 3)).toEqual(['answered', 'pending', 'pending']);
});

test.each([
  ['the leader has some before it', agentConsumer('Lead'), { pending: 1, unsettled: 0 }],
  ['the leader works on one', agentConsumer('Lead'), { pending: 0, unsettled: 1 }],
  ['the leader has no consumer yet', agentConsumer('Lead'), undefined],
  ['answers are still to be stored', relayConsumer, { pending: 1, unsettled: 0 }],
  ['an answer is being stored', relayConsumer, { pending: 0, unsettled: 1 }],
])('nothing is lost while %s', async (_what, consumer, lag) => {
  bus.lag.set(consumer, lag);
  expect(await requeue()).toBe(0);
  expect(deliveries()).toEqual(['sent', 'sent', 'sent']);
});
