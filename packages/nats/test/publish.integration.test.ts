import { startNatsServer, waitFor } from '@agentcrew/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { consuming, contentOf, envelope, limits, openBus, startTeam } from './team-bus-fixture.ts';

describe('the stream', () => {
  test('is created once, and its limits follow the settings', async () => {
    await using server = await startNatsServer();
    await using bus = await openBus(server);
    expect(await bus.ensureStream(limits)).toEqual({ created: true });
    expect(await bus.ensureStream(limits)).toEqual({ created: false });
    expect(await bus.ensureStream({ maxAgeMs: 60_000, maxBytes: 5_000_000 })).toEqual({ created: false });
    expect(await configOf(server.url)).toMatchObject({
      retention: 'limits',
      storage: 'file',
      discard: 'old',
      max_age: 60_000_000_000,
      max_bytes: 5_000_000,
      // Never longer than the messages live.
      duplicate_window: 60_000_000_000,
    });
    await bus.ensureStream(limits);
    expect(await configOf(server.url)).toMatchObject({ duplicate_window: 120_000_000_000 });
  });

  test('is deleted with what it holds; deleting nothing is no error', async () => {
    await using team = await startTeam();
    await team.bus.deleteStream();
    await team.bus.deleteStream();
    expect(await team.bus.ensureStream(limits)).toEqual({ created: true });
  });

  test('a server without JetStream says so', async () => {
    await using server = await startNatsServer({
      configText: 'accounts { red: { users: [{ user: red, password: pw }] } }',
    });
    await using bus = await openBus(server, { user: 'red', token: 'pw' });
    await expect(bus.ensureStream(limits)).rejects.toMatchObject({
      code: 'NATS_UNAVAILABLE',
      message: expect.stringMatching(/jetstream is not enabled|jetstream not enabled/i),
    });
  });
});

describe('publish', () => {
  test('stores every message id once', async () => {
    await using team = await startTeam();
    const message = envelope('once');
    await Promise.all([1, 2, 3].map(() => team.bus.publish('agent', 'lead', message)));
    await team.bus.publish('agent', 'lead', envelope('end'));
    const seen: unknown[] = [];
    await using _consumer = consuming(team.bus, { durable: 'lead', maxAckPending: 1 }, async (delivery) => {
      seen.push(contentOf(delivery));
      await delivery.ack();
    });
    await waitFor('the last message', () => seen.includes('end'));
    expect(seen).toEqual(['once', 'end']);
  });

  test('still knows the id after the server was killed', async () => {
    await using team = await startTeam();
    const message = envelope('once');
    await team.bus.publish('agent', 'lead', message);
    await team.server.restart();
    await waitFor('publishing again', () => team.bus.publish('agent', 'lead', message).then(() => true));
    expect((await stateOf(team.server.url)).messages).toBe(1);
  });

  test('takes an envelope of just the largest size and refuses one byte more', async () => {
    await using team = await startTeam();
    const { maxPayload } = team.bus;
    const frame = JSON.stringify(envelope('')).length;
    await team.bus.publish('agent', 'lead', envelope('x'.repeat(maxPayload - frame), { message_id: 'm'.repeat(36) }));
    await expect(team.bus.publish('agent', 'lead', envelope('x'.repeat(maxPayload - frame + 1)))).rejects.toMatchObject(
      {
        code: 'PAYLOAD_TOO_LARGE',
        message: `The message has ${maxPayload + 1} bytes, the message bus takes ${maxPayload}`,
        details: { bytes: maxPayload + 1, limit: maxPayload },
      },
    );
    expect(team.bus.connected).toBe(true);
  });

  test('a missing stream is called by its name', async () => {
    await using team = await startTeam();
    await team.bus.deleteStream();
    await expect(team.bus.publish('agent', 'lead', envelope('lost'))).rejects.toMatchObject({
      code: 'NATS_UNAVAILABLE',
      message: expect.stringMatching(/stream TEAM_red is missing$/),
    });
  });

  test('fails at once while the server is gone, and works when it is back', async () => {
    await using team = await startTeam();
    const attempts = Array.from({ length: 50 }, (_, n) => team.bus.publish('agent', 'lead', envelope(`${n}`)));
    const settled = Promise.allSettled(attempts);
    const started = performance.now();
    await team.server.kill();
    await settled;
    await waitFor('the loss to be seen', () => !team.bus.connected);
    await expect(team.bus.publish('agent', 'lead', envelope('gone'))).rejects.toMatchObject({
      code: 'NATS_UNAVAILABLE',
    });
    // Far from the five seconds that an unanswered request takes.
    expect(performance.now() - started).toBeLessThan(4_000);
    await team.server.restart();
    await waitFor('publishing again', () => team.bus.publish('agent', 'lead', envelope('back')).then(() => true));
  });
});

async function configOf(url: string) {
  return (await infoOf(url)).config;
}

async function stateOf(url: string) {
  return (await infoOf(url)).state;
}

async function infoOf(url: string) {
  const nc = await connect({ servers: url.replace('nats://', '') });
  try {
    return await (await jetstreamManager(nc)).streams.info('TEAM_red');
  } finally {
    await nc.close();
  }
}
