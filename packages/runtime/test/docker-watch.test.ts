import { PassThrough } from 'node:stream';
import { waitFor } from '@agentcrew/testkit';
import { expect, it } from 'vitest';
import { watchAgents } from '../src/docker/agent-watch.ts';
import type { DockerAgents } from '../src/docker/agents.ts';
import type { Engine } from '../src/docker/engine.ts';
import { agentId } from '../src/docker/names.ts';
import type { AgentStatus } from '../src/runtime.ts';

const log = { info() {}, warn() {}, error() {} };
const id = agentId('crew', 'lead');
const running: AgentStatus = { id, team: 'crew', agent: 'lead', state: 'running' };

/** An engine that tells what the test wants of one container. */
function engineWithEvents() {
  const events = new PassThrough();
  const engine = { streams: { getEvents: async () => events } } as unknown as Engine;
  const Attributes = { 'agentcrew.team': 'crew', 'agentcrew.agent': 'lead', exitCode: '137' };
  const tell = (Action: string) => events.write(`${JSON.stringify({ Action, Actor: { ID: 'one', Attributes } })}\n`);
  return { engine, tell };
}

it('lets no older look at an agent have the last word', async () => {
  const { engine, tell } = engineWithEvents();
  const looks: PromiseWithResolvers<AgentStatus>[] = [];
  const agents = {
    status: () => {
      const look = Promise.withResolvers<AgentStatus>();
      looks.push(look);
      return look.promise;
    },
    list: async () => [running],
    isBusy: () => false,
    ended: () => undefined,
    started: async () => undefined,
    forgetStarts: () => undefined,
  } as unknown as DockerAgents;
  using watch = watchAgents({ engine, instance: 'i', agents, log });
  const states: string[] = [];
  watch.add(({ state }) => states.push(state));
  await waitFor('the first state', () => states.length === 1);
  tell('die');
  await waitFor('a look', () => looks.length === 1);
  tell('start');
  const last = watch.look(id);
  expect(looks).toHaveLength(1);
  looks[0]?.resolve({ ...running, state: 'error' });
  for (const number of [1, 2]) {
    await waitFor('another look', () => looks.length > number);
    looks[number]?.resolve(running);
  }
  await last;
  expect(states).toEqual(['running', 'error', 'running']);
});
