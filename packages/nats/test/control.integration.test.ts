import { subjectFor } from '@agentcrew/protocol';
import { latch, startNatsServer, waitFor } from '@agentcrew/testkit';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { openBus } from './team-bus-fixture.ts';

const status = { type: 'status' } as const;

/** A server with a connection of the API and one of the agent `lead`. */
async function startPair() {
  const server = await startNatsServer();
  const [api, agent] = await Promise.all([openBus(server), openBus(server)]);
  return {
    server,
    api,
    agent,
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), agent[Symbol.asyncDispose]()]);
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('control requests', () => {
  test('are answered within milliseconds', async () => {
    await using pair = await startPair();
    using _responder = pair.agent.respond('lead', async (request) => ({
      ok: request.type === 'status',
      activity: 'idle',
    }));
    await waitFor('the agent to listen', () => pair.api.request('lead', status, 5_000));
    const times: number[] = [];
    for (let n = 0; n < 51; n++) {
      const started = performance.now();
      expect(await pair.api.request('lead', status, 5_000)).toEqual({ ok: true, activity: 'idle' });
      times.push(performance.now() - started);
    }
    // Measured on an idle machine: under 1 ms. The bound is for a busy one.
    expect(times.toSorted((a, b) => a - b)[25]).toBeLessThan(20);
  });

  test('to an agent that does not listen fail at once', async () => {
    await using pair = await startPair();
    await expect(pair.api.request('lead', status, 60_000)).rejects.toMatchObject({
      code: 'AGENT_NOT_READY',
      message: 'Agent lead is not running',
    });
  });

  test('to an agent that stopped listening fail at once', async () => {
    await using pair = await startPair();
    const responder = pair.agent.respond('lead', async () => ({ ok: true }));
    await waitFor('the agent to listen', () => pair.api.request('lead', status, 5_000));
    responder[Symbol.dispose]();
    await waitFor('the agent to be gone', () =>
      pair.api.request('lead', status, 1_000).then(
        () => false,
        (error) => error.code === 'AGENT_NOT_READY',
      ),
    );
  });

  test('that nobody answers in time fail then', async () => {
    await using pair = await startPair();
    const release = latch();
    using _responder = pair.agent.respond('lead', () => release.promise.then(() => ({ ok: true })));
    const error = await waitFor('the time to run out', () =>
      pair.api.request('lead', status, 200).then(
        () => undefined,
        (thrown) => /did not answer/.test(thrown.message) && thrown,
      ),
    );
    expect(error).toMatchObject({ code: 'AGENT_UNRESPONSIVE', message: 'Agent lead did not answer within 200 ms' });
    release.open();
  });

  test('whose handler throws are answered with the reason', async () => {
    await using pair = await startPair();
    using _responder = pair.agent.respond('lead', () => {
      throw new Error('no turn to interrupt');
    });
    const answer = await waitFor('the answer', () => pair.api.request('lead', { type: 'interrupt' }, 5_000));
    expect(answer).toEqual({ ok: false, error: 'no turn to interrupt' });
  });

  test('and answers that cannot be read are refused', async () => {
    await using pair = await startPair();
    await using nc = await connect({ servers: `127.0.0.1:${pair.server.port}` });
    let handled = 0;
    using _responder = pair.agent.respond('lead', async () => {
      handled++;
      return { ok: true };
    });
    await waitFor('the agent to listen', () => pair.api.request('lead', status, 5_000));
    handled = 0;
    for (const garbage of ['', 'null', '{"type":"format_disk"}']) {
      const answer = await nc.request(subjectFor('red', 'control', 'lead'), garbage, { timeout: 5_000 });
      expect(answer.json()).toEqual({ ok: false, error: 'not a control request' });
    }
    expect(handled).toBe(0);

    nc.subscribe(subjectFor('red', 'control', 'odd'), {
      callback: (_error, message) => void message.respond('{"ok":"yes"}'),
    });
    await nc.flush();
    await expect(pair.api.request('odd', status, 5_000)).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  });

  test('fail at once without a server, and work again when it is back', async () => {
    await using pair = await startPair();
    using _responder = pair.agent.respond('lead', async () => ({ ok: true }));
    await pair.server.kill();
    await waitFor('the loss to be seen', () => !pair.api.connected);
    await expect(pair.api.request('lead', status, 60_000)).rejects.toMatchObject({ code: 'NATS_UNAVAILABLE' });
    await pair.server.restart();
    expect(await waitFor('the answer', () => pair.api.request('lead', status, 5_000))).toEqual({ ok: true });
  });
});
