import { CrewError, replyIdFor } from '@agentcrew/protocol';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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
});
afterEach(() => {
  vi.restoreAllMocks();
  return crew[Symbol.asyncDispose]();
});

const say = (text: string) => crew.crew.acceptChat(id, text);
const texts = () => bus.published.map(({ envelope }) => envelope.payload.content);
const deliveries = () => crew.messages(id).map(({ delivery }) => delivery);
const sent = (count: number) => waitFor(`${count} messages on the bus`, () => bus.published.length >= count);

test('a message goes to the leader, as it was stored', async () => {
  const row = say('hello');
  await sent(1);
  expect(bus.published).toEqual([
    {
      agent: 'Lead',
      envelope: {
        message_id: row.message_id,
        from: 'user',
        to: 'Lead',
        type: 'user_message',
        payload: { content: 'hello' },
        timestamp: row.created_at.toISOString(),
      },
    },
  ]);
  await waitFor('it to be noted', () => deliveries()[0] === 'sent');
});

test('while the bus is away messages wait; when it is back they go in order, each once', async () => {
  bus.setConnected(false);
  const waiting = Array.from({ length: 120 }, (_, n) => `${n}`);
  for (const text of waiting) say(text);
  await crew.crew.outbox.idle();
  expect(deliveries()).toEqual(waiting.map(() => 'pending'));
  bus.setConnected(true);
  await sent(120);
  await crew.crew.outbox.idle();
  crew.crew.outbox.kick(id);
  await crew.crew.outbox.idle();
  expect(texts()).toEqual(waiting);
  expect(deliveries()).toEqual(waiting.map(() => 'sent'));
});

test('a bus that breaks in the middle loses nothing and changes no order', async () => {
  const broken = new CrewError('NATS_UNAVAILABLE', 'broken');
  bus.onPublish = ({ payload }) => {
    if (payload.content === '3') throw broken;
  };
  for (let n = 0; n < 6; n += 1) say(`${n}`);
  await crew.crew.outbox.idle();
  expect(texts()).toEqual(['0', '1', '2']);
  expect(deliveries()).toEqual(['sent', 'sent', 'sent', 'pending', 'pending', 'pending']);
  bus.onPublish = () => undefined;
  say('6');
  await crew.crew.outbox.idle();
  expect(texts()).toEqual(['0', '1', '2', '3', '4', '5', '6']);
});

test('what comes while others are sent is sent too, one at a time', async () => {
  const first = latch();
  let together = 0;
  let most = 0;
  bus.onPublish = async ({ payload }) => {
    together += 1;
    most = Math.max(most, together);
    if (payload.content === 'first') await first.promise;
    together -= 1;
  };
  say('first');
  say('second');
  await waitFor('the first on its way', () => most > 0);
  say('third');
  first.open();
  await sent(3);
  expect(texts()).toEqual(['first', 'second', 'third']);
  expect(most).toBe(1);
});

test('one that the bus will never take is answered, and those behind it go', async () => {
  bus.onPublish = ({ payload }) => {
    if (payload.content === 'huge') throw new CrewError('PAYLOAD_TOO_LARGE', '2 MB of at most 1 MB');
  };
  const huge = say('huge');
  say('small');
  await sent(1);
  await crew.crew.outbox.idle();
  const reply = crew.messages(id).find(({ ref_message_id }) => ref_message_id === huge.message_id);
  expect(reply).toMatchObject({
    message_id: replyIdFor(huge.message_id),
    message_type: 'leader_response',
    from_agent: 'Lead',
    to_agent: 'user',
    payload: { status: 'failed', code: 'PAYLOAD_TOO_LARGE', error: '2 MB of at most 1 MB' },
  });
  expect(texts()).toEqual(['small']);
  expect(crew.db.messages.unanswered(id).map(({ payload }) => payload.content)).toEqual(['small']);
});

test('an answered message is not sent any more', async () => {
  bus.setConnected(false);
  const row = say('hello');
  crew.crew.messages.storeFailure(row, 'Lead', 'TEAM_STOPPED', 'too late');
  expect(crew.crew.messages.storeFailure(row, 'Lead', 'TEAM_STOPPED', 'again')).toBeUndefined();
  bus.setConnected(true);
  await crew.crew.outbox.idle();
  expect(bus.published).toEqual([]);
  expect(crew.messages(id)).toHaveLength(2);
});

test('a bus that comes back while the database is away is no end of the server', async () => {
  bus.setConnected(false);
  say('hello');
  vi.spyOn(crew.db.approvals, 'undelivered').mockImplementationOnce(() => {
    throw new CrewError('STORAGE_UNAVAILABLE', 'database is locked');
  });
  expect(() => bus.setConnected(true)).not.toThrow();
  await sent(1);
});

test('messages of one team do not wait for the bus of another', async () => {
  const other = await crew.createRunningTeam();
  bus.setConnected(false);
  say('here');
  crew.crew.acceptChat(other.id, 'there');
  await waitFor('the other team', () => crew.buses.of(other.slug).published.length === 1);
  expect(bus.published).toEqual([]);
});

test('a stream that was lost gets what is not answered again, in order', async () => {
  for (const text of ['a', 'b', 'c']) say(text);
  await sent(3);
  const [first] = crew.messages(id);
  if (!first) throw new Error('no message');
  crew.crew.messages.storeFailure(first, 'Lead', 'TURN_FAILED', 'no');
  bus.streamExists = false;
  await crew.crew.reconciler.pass();
  await sent(5);
  expect(texts().slice(3)).toEqual(['b', 'c']);
});
