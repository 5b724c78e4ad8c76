import { inspect } from 'node:util';
import { freePort, latch, startNatsServer, waitFor } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { connectBus } from '../src/index.ts';
import { startChild } from './child.ts';
import { consuming, contentOf, envelope, limits, openBus, startTeam } from './team-bus-fixture.ts';

const twoAccounts = `
accounts {
  red: { jetstream: enabled, users: [{ user: red, password: "red-password" }] }
  blue: { jetstream: enabled, users: [{ user: blue, password: "blue-password" }] }
}`;

describe('connecting', () => {
  test('waits for a server that starts later', async () => {
    await using early = await startNatsServer();
    await early.kill();
    const opening = openBus(early);
    await early.restart();
    await using bus = await opening;
    expect(bus.connected).toBe(true);
  });

  test('gives up at its deadline and names the address only', async () => {
    const port = await freePort();
    const url = `nats://me:canary-password@127.0.0.1:${port}`;
    const failed = connectBus({ url, name: 'test', team: 'red', connectTimeoutMs: 600 });
    await expect(failed).rejects.toMatchObject({
      code: 'NATS_UNAVAILABLE',
      message: `NATS at 127.0.0.1:${port}: no connection within 600 ms: connection refused`,
    });
    expect(inspect(await failed.catch((error) => error), { depth: 10 })).not.toContain('canary');
  });

  test('gives up when the signal aborts', async () => {
    const stop = new AbortController();
    const url = `nats://127.0.0.1:${await freePort()}`;
    const failed = connectBus({ url, name: 'test', team: 'red', connectTimeoutMs: 60_000, signal: stop.signal });
    stop.abort();
    await expect(failed).rejects.toThrow(/connecting was cancelled/);
  });

  test('a wrong password is told without showing it', async () => {
    await using server = await startNatsServer({ configText: twoAccounts });
    const wrong = { user: 'red', token: 'canary-password', connectTimeoutMs: 1_000 };
    const error = await openBus(server, wrong).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'NATS_UNAVAILABLE' });
    expect(error.message).toMatch(/authorization violation/i);
    expect(inspect(error, { depth: 10 })).not.toContain('canary');
  });

  test('teams with accounts of their own do not see each other', async () => {
    await using server = await startNatsServer({ configText: twoAccounts });
    await using red = await openBus(server, { user: 'red', token: 'red-password' });
    // The same team name on the other account: the account alone must keep them apart.
    await using blue = await openBus(server, { user: 'blue', token: 'blue-password' });
    await red.ensureStream(limits);
    expect(await blue.consumerLag('lead')).toBeUndefined();
    expect(await blue.ensureStream(limits)).toEqual({ created: true });
    using _responder = red.respond('lead', async () => ({ ok: true }));
    await waitFor('red to listen', () => red.request('lead', { type: 'status' }, 5_000));
    await expect(blue.request('lead', { type: 'status' }, 5_000)).rejects.toMatchObject({ code: 'AGENT_NOT_READY' });

    const seen = latch<unknown>();
    await using _consumer = consuming(blue, { durable: 'lead', maxAckPending: 1 }, async (delivery) => {
      seen.open(contentOf(delivery));
      await delivery.ack();
    });
    await red.publish('agent', 'lead', envelope('for red'));
    await blue.publish('agent', 'lead', envelope('for blue'));
    expect(await seen.promise).toBe('for blue');
  });

  test('a bare token works', async () => {
    await using server = await startNatsServer({ configText: 'authorization { token: "the-token" }' });
    await using bus = await openBus(server, { token: 'the-token' });
    expect(bus.connected).toBe(true);
  });

  test('tells when the connection goes and comes', async () => {
    await using team = await startTeam();
    const changes: boolean[] = [];
    using _watch = team.bus.onConnection((connected) => changes.push(connected));
    await team.server.kill();
    await waitFor('the loss to be told', () => changes.length === 1);
    expect(team.bus.connected).toBe(false);
    await team.server.restart();
    await waitFor('the return to be told', () => changes.length === 2);
    expect(changes).toEqual([false, true]);
    expect(team.bus.connected).toBe(true);
  });

  test('closes promptly while the server is gone', async () => {
    const team = await startTeam();
    const ended = team.bus.consume({ durable: 'lead', maxAckPending: 1 }, async () => {}, new AbortController().signal);
    await team.server.kill();
    await waitFor('the loss to be seen', () => !team.bus.connected);
    await team.bus[Symbol.asyncDispose]();
    await ended;
    await team.server[Symbol.asyncDispose]();
    await expect(team.bus.publish('agent', 'lead', envelope('late'))).rejects.toMatchObject({
      code: 'NATS_UNAVAILABLE',
    });
  });

  test('leaves nothing behind that keeps the process alive', async () => {
    await using server = await startNatsServer();
    await using child = startChild('connect-and-leave', server.url);
    expect(await child.firstLine).toBe('closed');
    expect(await child.ended).toBe(0);
  });
});
