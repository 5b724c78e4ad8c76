import type { ErrorCode } from '@agentcrew/protocol';
import { afterEach, beforeEach, describe, expect, it, type TestContext, vi } from 'vitest';
import type { AgentConfig, AgentRuntime, AgentState, AgentStatus, LogLine } from './runtime.ts';

/**
 * How the agents of the tests behave; their sidecar reads it from the spec's `env.BEHAVIOUR`. Each of them but
 * `exit` writes the line `agent speaks` to its standard output.
 */
export type AgentBehaviour = 'ready' | 'never-ready' | 'exit';

/** One runtime for one test, with what the suite must be able to do and see besides its interface. */
export interface RuntimeUnderTest extends AsyncDisposable {
  runtime: AgentRuntime;
  /** Names for the teams of the test; default `crew` and `other`. */
  teams?: { crew: string; other: string };
  /** A line that an agent's log holds once it is ready. */
  logLine: string;
  /** What runs as the agent now, another value for every start; `undefined` when nothing does. */
  incarnation(id: string): Promise<string | undefined>;
  /** Ends the agent's main process behind the runtime's back. */
  kill(id: string): Promise<void>;
  /** Behaviours that the runtime's agents can show; `ready` always. */
  behaviours: readonly AgentBehaviour[];
  /** The workspace from outside; absent when there is none. */
  workspace?: {
    write(team: string, file: string): Promise<void>;
    has(team: string, file: string): Promise<boolean>;
  };
  /** A dead agent is started again without the runtime's help, so that it may be well before somebody looks. */
  healsItself?: true;
  /** Absent when the runtime starts nothing that a config could change. */
  replacesChanged?: true;
}

const waits = { timeout: 60_000, interval: 50 };
const never = new AbortController().signal;

function config(team: string, agent: string, behaviour: AgentBehaviour = 'ready', instructions = ''): AgentConfig {
  return {
    team,
    agent,
    agent_name: agent,
    role: 'worker',
    instructions,
    teammates: [],
    permissions: {},
    limits: { turn_timeout_ms: 60_000, stall_timeout_ms: 60_000, idle_park_ms: 60_000, max_attempts: 3 },
    env: { BEHAVIOUR: behaviour },
    secrets: { nats_token: `token-of-${team}` },
  };
}

async function readAll(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const read: string[] = [];
  for await (const { line } of lines) read.push(line);
  return read;
}

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await check(), what).toBe(true), waits);
}

async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'CrewError', code });
}

/** The suite that every runtime must pass. `setup` opens a runtime with nothing deployed. */
export function describeRuntimeContract(name: string, setup: () => Promise<RuntimeUnderTest>): void {
  describe(`${name}: the contract of runtimes`, () => {
    let under: RuntimeUnderTest;
    let runtime: AgentRuntime;
    let crew: string;
    let other: string;

    beforeEach(async () => {
      under = await setup();
      runtime = under.runtime;
      ({ crew, other } = under.teams ?? { crew: 'crew', other: 'other' });
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    async function infra(team: string): Promise<void> {
      await runtime.deployInfra({ team, natsToken: `token-of-${team}` }, never);
    }
    async function deploy(team: string, agent: string, instructions?: string) {
      await infra(team);
      return await runtime.deployAgent(config(team, agent, 'ready', instructions), never);
    }
    async function stateOf(id: string): Promise<AgentState> {
      return (await runtime.getStatus(id)).state;
    }
    function needs(context: TestContext, behaviour: AgentBehaviour): void {
      context.skip(!under.behaviours.includes(behaviour), `agents of ${name} cannot be ${behaviour}`);
    }

    it('deploys infrastructure twice and tells where the bus is', async () => {
      await infra(crew);
      await infra(crew);
      expect(runtime.natsUrl(crew)).toMatch(/^nats:\/\//);
      expect((await runtime.natsConnectUrl(crew)).url).toMatch(/^nats:\/\//);
    });

    it('deploys an agent and knows it', async () => {
      const agent = await deploy(crew, 'lead');
      expect(agent).toMatchObject({ team: crew, agent: 'lead', state: 'running' });
      expect(await runtime.listAgents()).toEqual([expect.objectContaining({ id: agent.id, state: 'running' })]);
      expect(await runtime.getStatus(agent.id)).toMatchObject({ team: crew, agent: 'lead', state: 'running' });
    });

    it('leaves an agent alone that already runs with the same config', async () => {
      const first = await deploy(crew, 'lead');
      const before = await under.incarnation(first.id);
      const second = await deploy(crew, 'lead');
      expect(second.id).toBe(first.id);
      expect(await under.incarnation(first.id)).toBe(before);
    });

    it('replaces an agent whose config changed', async (context) => {
      context.skip(!under.replacesChanged, `${name} starts nothing`);
      const first = await deploy(crew, 'lead');
      const before = await under.incarnation(first.id);
      const second = await deploy(crew, 'lead', 'be brief');
      expect(await under.incarnation(second.id)).not.toBe(before);
      expect(await runtime.listAgents()).toHaveLength(1);
    });

    it('deploys agents side by side, and the same one only once', async () => {
      await infra(crew);
      const [a, b, again] = await Promise.all(
        ['a', 'b', 'a'].map((agent) => runtime.deployAgent(config(crew, agent), never)),
      );
      expect(a?.id).toBe(again?.id);
      expect(a?.id).not.toBe(b?.id);
      expect(await runtime.listAgents()).toHaveLength(2);
    });

    it('shows the log', async () => {
      const { id } = await deploy(crew, 'lead');
      await eventually('the line is in the log', async () =>
        (await readAll(runtime.streamLogs(id, { tail: 50 }))).some((line) => line.includes(under.logLine)),
      );
      const [line] = await readAll(runtime.streamLogs(id, { tail: 1 }));
      expect(line).toBeDefined();
      expect(await readAll(runtime.streamLogs('unknown', {}))).toEqual([]);
    });

    it('ends a followed log when the signal aborts', async () => {
      const { id } = await deploy(crew, 'lead');
      const controller = new AbortController();
      for await (const _ of runtime.streamLogs(id, { follow: true, signal: controller.signal })) controller.abort();
      expect(controller.signal.aborted).toBe(true);
    });

    it('stops an agent, also twice', async () => {
      const { id } = await deploy(crew, 'lead');
      await runtime.stopAgent(id);
      await runtime.stopAgent(id);
      expect(await stateOf(id)).toBe('stopped');
      expect(await under.incarnation(id)).toBeUndefined();
      expect(await runtime.listAgents()).toEqual([]);
    });

    it('removes an agent, also twice, and deploys it again', async () => {
      const { id } = await deploy(crew, 'lead');
      await runtime.removeAgent(id);
      await runtime.removeAgent(id);
      expect(await stateOf(id)).toBe('stopped');
      expect(await deploy(crew, 'lead')).toMatchObject({ id, state: 'running' });
    });

    it('takes unknown ids', async () => {
      for (const id of ['', 'nobody', '../../etc', 'local:crew/../..', 'local:crew/nobody']) {
        expect(await stateOf(id)).toBe('stopped');
        await runtime.stopAgent(id);
        await runtime.removeAgent(id);
      }
    });

    it('sees an agent die, and heals it by a deploy', async () => {
      const changes: AgentStatus[] = [];
      using _ = runtime.watch((change) => changes.push(change));
      const { id } = await deploy(crew, 'lead');
      const before = await under.incarnation(id);
      await under.kill(id);
      await eventually('the watch reports the death', async () =>
        changes.some((change) => change.id === id && change.state === 'error' && Boolean(change.message)),
      );
      if (!under.healsItself) {
        expect(await stateOf(id)).toBe('error');
        expect(await runtime.listAgents()).toEqual([expect.objectContaining({ id, state: 'error' })]);
      }
      const healed = await deploy(crew, 'lead');
      expect(healed).toMatchObject({ id, state: 'running' });
      expect(await under.incarnation(id)).not.toBe(before);
      await eventually('the watch reports the recovery', async () => changes.at(-1)?.state === 'running');
    });

    it('fails a deploy of an agent that ends, and leaves nothing', async (context) => {
      needs(context, 'exit');
      await infra(crew);
      await expectCode(runtime.deployAgent(config(crew, 'lead', 'exit'), never), 'AGENT_FAILED');
      expect(await runtime.listAgents()).toEqual([]);
    });

    it('fails a deploy of an agent that never gets ready, and leaves nothing', async (context) => {
      needs(context, 'never-ready');
      await infra(crew);
      await expectCode(runtime.deployAgent(config(crew, 'lead', 'never-ready'), never), 'AGENT_NOT_READY');
      expect(await runtime.listAgents()).toEqual([]);
    });

    it('gives up a deploy whose signal aborts, and leaves nothing', async (context) => {
      needs(context, 'never-ready');
      await infra(crew);
      const controller = new AbortController();
      const deploying = expectCode(
        runtime.deployAgent(config(crew, 'lead', 'never-ready'), controller.signal),
        'DEPLOY_CANCELLED',
      );
      await eventually('the agent is started', async () => (await runtime.listAgents()).length > 0);
      const [{ id } = { id: '' }] = await runtime.listAgents();
      controller.abort();
      await deploying;
      expect(await runtime.listAgents()).toEqual([]);
      expect(await under.incarnation(id)).toBeUndefined();
    });

    it('starts nothing when the signal has aborted before', async () => {
      await infra(crew);
      await expectCode(runtime.deployInfra({ team: crew, natsToken: 't' }, AbortSignal.abort()), 'DEPLOY_CANCELLED');
      await expectCode(runtime.deployAgent(config(crew, 'lead'), AbortSignal.abort()), 'DEPLOY_CANCELLED');
      expect(await runtime.listAgents()).toEqual([]);
    });

    it('lets a stop cancel the deploy before it', async (context) => {
      needs(context, 'never-ready');
      await infra(crew);
      const deploying = expectCode(runtime.deployAgent(config(crew, 'lead', 'never-ready'), never), 'DEPLOY_CANCELLED');
      await eventually('the agent is started', async () => (await runtime.listAgents()).length > 0);
      const [{ id } = { id: '' }] = await runtime.listAgents();
      await Promise.all([deploying, runtime.stopAgent(id)]);
      expect(await runtime.listAgents()).toEqual([]);
    });

    it('tears a team down, also twice, and leaves the others alone', async () => {
      const ours = await deploy(crew, 'lead');
      const theirs = await deploy(other, 'lead');
      expect(ours.id).not.toBe(theirs.id);
      await runtime.teardownInfra(crew);
      await runtime.teardownInfra(crew);
      expect(await under.incarnation(ours.id)).toBeUndefined();
      expect(await runtime.listAgents()).toEqual([expect.objectContaining({ id: theirs.id, state: 'running' })]);
      expect(await deploy(crew, 'lead')).toMatchObject({ state: 'running' });
    });

    it('takes the teardown of an unknown team', async () => {
      await runtime.teardownInfra('nobody', { removeData: true });
    });

    it('keeps the workspace at a teardown, unless asked to remove the data', async (context) => {
      context.skip(!under.workspace, `${name} has no workspaces`);
      await deploy(crew, 'lead');
      await under.workspace?.write(crew, 'work.txt');
      await runtime.teardownInfra(crew);
      expect(await under.workspace?.has(crew, 'work.txt')).toBe(true);
      await deploy(crew, 'lead');
      expect(await under.workspace?.has(crew, 'work.txt')).toBe(true);
      await runtime.teardownInfra(crew, { removeData: true });
      expect(await under.workspace?.has(crew, 'work.txt')).toBe(false);
    });
  });
}
