import { waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Outbox } from '../src/outbox.ts';
import { FakeBus, message, silent } from './fakes.ts';

function setUp(limit?: number) {
  const fake = new FakeBus();
  const outbox = new Outbox({ agent: 'lead', log: silent, ...(limit !== undefined && { limit }) });
  return { fake, outbox, ids: () => fake.published.map(({ envelope }) => envelope.message_id) };
}

test('everything goes out in order, what was queued before the bus was there too', async () => {
  const { fake, outbox, ids } = setUp();
  outbox.post('status', message('a'));
  outbox.open(fake.bus);
  outbox.post('activity', message('b'));
  await outbox.reply(message('c'));
  expect(ids()).toEqual(['a', 'b', 'c']);
  expect(fake.published.map(({ kind }) => kind)).toEqual(['status', 'activity', 'reply']);
});

test('while NATS is away the oldest activity gives way, replies stay', async () => {
  const { fake, outbox, ids } = setUp(3);
  fake.down = true;
  outbox.open(fake.bus);
  outbox.post('activity', message('a1'));
  const reply = outbox.reply(message('r1'));
  for (const id of ['a2', 'a3', 'a4', 'a5']) outbox.post('activity', message(id));
  fake.comeBack();
  await reply;
  await waitFor('the rest', () => ids().length === 3);
  expect(ids()).toEqual(['r1', 'a4', 'a5']);
});

test('a closed outbox sends nothing more, and its replies do not count as stored', async () => {
  const { fake, outbox, ids } = setUp();
  fake.down = true;
  outbox.open(fake.bus);
  let stored = false;
  void outbox.reply(message('r1')).then(() => {
    stored = true;
  });
  await outbox.close(1);
  fake.comeBack();
  await waitFor('a moment', () => new Promise<true>((resolve) => setImmediate(() => resolve(true))));
  expect({ stored, ids: ids() }).toEqual({ stored: false, ids: [] });
});
