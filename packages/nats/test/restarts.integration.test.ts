import { waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { consuming, contentOf, envelope, openBus, startTeam } from './team-bus-fixture.ts';

const total = 500;
const killAt = [70, 160, 270, 390];

test.each([1, 64])('killing the server loses nothing that was published (maxAckPending %i)', async (maxAckPending) => {
  await using team = await startTeam();
  await using publisher = await openBus(team.server);
  const firstSeen: number[] = [];
  const options = { durable: 'lead', maxAckPending, ackWaitMs: 2_000 };
  await using _consumer = consuming(team.bus, options, async (delivery) => {
    const n = Number(contentOf(delivery));
    if (!firstSeen.includes(n)) firstSeen.push(n);
    // A failed ack means that the message comes again.
    await delivery.ack().catch(() => {});
  });

  let restarting = Promise.resolve();
  for (let n = 0; n < total; n++) {
    if (killAt.includes(n)) {
      await restarting;
      restarting = team.server.restart();
    }
    const message = envelope(`${n}`);
    await waitFor(`message ${n} to be stored`, () => publisher.publish('agent', 'lead', message).then(() => true));
  }
  await restarting;
  await waitFor('all messages', () => firstSeen.length === total, { timeoutMs: 60_000 });
  const inOrder = Array.from({ length: total }, (_, n) => n);
  expect(firstSeen.toSorted((a, b) => a - b)).toEqual(inOrder);
  if (maxAckPending === 1) expect(firstSeen).toEqual(inOrder);
  await waitFor('all to be settled', async () => (await team.bus.consumerLag('lead'))?.unsettled === 0);
});
