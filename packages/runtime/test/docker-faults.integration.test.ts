import { randomBytes } from 'node:crypto';
import { servesUser } from '@agentcrew/nats';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { label, teamLabels } from '../src/docker/labels.ts';
import type { AgentConfig, AgentStatus } from '../src/runtime.ts';
import { type DockerFixture, docker, hasDocker, inVolume, madeBy, never, openDocker } from './docker-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const waits = { timeoutMs: 60_000 };

describe.skipIf(!hasDocker)('what can go wrong with containers (needs Docker)', () => {
  let fixture: DockerFixture;
  let team: string;

  beforeEach(async () => {
    fixture = await openDocker();
    team = `t${randomBytes(4).toString('hex')}`;
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  async function deploy(more: Partial<AgentConfig> = {}, runtime = fixture.runtime) {
    const config = { ...agentConfig(team, 'lead'), ...more };
    await runtime.deployInfra(infraOf(config.team), never);
    return await runtime.deployAgent(config, never);
  }
  async function containerId(id: string): Promise<string> {
    const container = await fixture.containerOf(id);
    if (!container) throw new Error(`${id} has no container`);
    return container.Id;
  }
  /** Kills the sidecar as a crash would: Docker sees the container end by itself. */
  async function crash(id: string): Promise<void> {
    await fixture.shell(id, `kill -9 $(sed 's/.*"pid"://; s/}//' /state/health.json)`).catch(() => '');
  }
  const isRunning = async (id: string) => (await fixture.runtime.getStatus(id)).state === 'running';
  const nats = () => docker.getContainer(`team-${team}-nats`);

  it('hands the spec over again when Docker starts a crashed agent anew, and goes on with its log', async () => {
    const changes: AgentStatus['state'][] = [];
    using _ = fixture.runtime.watch(({ state }) => changes.push(state));
    const { id } = await deploy();
    const container = await containerId(id);
    const end = new AbortController();
    const spoken = [];
    const reading = (async () => {
      for await (const line of fixture.runtime.streamLogs(id, { follow: true, signal: end.signal })) {
        spoken.push(line);
        if (spoken.length === 2) end.abort();
      }
    })();
    await waitFor('the first line', () => spoken.length === 1, waits);
    await crash(id);
    await reading;
    await waitFor('the recovery', () => changes.join().endsWith('error,running'), waits);
    expect(await containerId(id)).toBe(container);
    expect((await fixture.containerOf(id))?.RestartCount).toBeGreaterThan(0);
    expect(await isRunning(id)).toBe(true);
  });

  it('tells of an agent that was started again while no server was there, and a deploy adopts it', async () => {
    const { id } = await deploy();
    const container = await containerId(id);
    await fixture.runtime[Symbol.asyncDispose]();
    await crash(id);
    const isBack = async () => {
      const { RestartCount = 0, State } = (await fixture.containerOf(id)) ?? {};
      return RestartCount > 0 && State?.Status === 'running';
    };
    await waitFor('the restart', isBack, waits);
    const second = fixture.reopen();
    await waitFor('the restarted agent', async () => (await second.getStatus(id)).state === 'error', waits);
    await deploy({}, second);
    expect(await second.getStatus(id)).toMatchObject({ state: 'running' });
    expect(await containerId(id)).toBe(container);
  });

  it('adopts what runs after a restart of the server', async () => {
    const { id } = await deploy();
    const before = await fixture.containerOf(id);
    const second = fixture.reopen();
    expect(await second.listAgents()).toEqual([expect.objectContaining({ id, state: 'running' })]);
    await deploy({}, second);
    expect((await fixture.containerOf(id))?.State.StartedAt).toBe(before?.State.StartedAt);
  });

  it('heals what somebody removed by hand', async () => {
    const { id } = await deploy();
    await docker.getContainer(await containerId(id)).remove({ force: true });
    await nats().remove({ force: true });
    await docker.getNetwork(`team-${team}`).remove();
    expect(await fixture.runtime.listAgents()).toEqual([]);
    await deploy();
    expect(await isRunning(id)).toBe(true);
  });

  it('sees that an agent was put out of its network, and heals it', async () => {
    const { id } = await deploy();
    const Container = await containerId(id);
    await docker.getNetwork(`team-${team}`).disconnect({ Container, Force: true });
    expect(await fixture.runtime.getStatus(id)).toMatchObject({ state: 'error', message: /network/ });
    await deploy();
    expect(await isRunning(id)).toBe(true);
  });

  it('replaces a network that was made anew, with all that was in the old one', async () => {
    const { id } = await deploy();
    const network = docker.getNetwork(`team-${team}`);
    for (const Container of [await containerId(id), `team-${team}-nats`]) {
      await network.disconnect({ Container, Force: true });
    }
    await network.remove();
    await deploy();
    expect(await isRunning(id)).toBe(true);
    const { Containers } = await docker.getNetwork(`team-${team}`).inspect();
    expect(Object.keys(Containers ?? {})).toHaveLength(2);
  });

  it('finishes what was made half-way, and tears it down too', async () => {
    await fixture.runtime.deployInfra(infraOf(team), never);
    const Labels = { ...teamLabels(fixture.instance, team), [label.agent]: 'lead', [label.role]: 'worker' };
    await docker.createContainer({ Image: 'agentcrew-runtime-test', name: `team-${team}-lead`, Labels });
    expect(await fixture.runtime.listAgents()).toEqual([
      expect.objectContaining({ state: 'error', message: expect.stringContaining('never started') }),
    ]);
    const { id } = await deploy();
    expect(await isRunning(id)).toBe(true);
    await fixture.runtime.teardownInfra(team, { removeData: true });
    expect(await madeBy(fixture.instance)).toEqual({ containers: [], networks: [], volumes: [] });
  });

  it('restarts a NATS that was killed, keeps what it stored, and takes a new token', async () => {
    await deploy();
    const serves = async (password: string) => {
      const { url, user = '' } = await fixture.runtime.natsConnectUrl(team);
      return await servesUser({ port: Number(new URL(url).port), user, password }, 5_000);
    };
    const token = infraOf(team).natsToken;
    await inVolume(`team-${team}-nats`, 'touch /volume/mark');
    await nats().kill();
    await fixture.runtime.deployInfra(infraOf(team), never);
    expect(await serves(token)).toBe(true);
    await fixture.runtime.deployInfra({ team, natsToken: 'another-token' }, never);
    expect([await serves(token), await serves('another-token')]).toEqual([false, true]);
    expect(await inVolume(`team-${team}-nats`, 'test -e /volume/mark')).toBe(true);
  });

  it('leaves alone what somebody else made under a name it needs', async () => {
    const failure = { code: 'RUNTIME_FAILED', message: expect.stringContaining('was not made by this server') };
    const network = await docker.createNetwork({ Name: `team-${team}` });
    await expect(deploy()).rejects.toMatchObject(failure);
    await fixture.runtime.teardownInfra(team).catch(() => undefined);
    await network.inspect();
    await network.remove();
    const volume = await docker.createVolume({ Name: `team-${team}-workspace` });
    await expect(deploy()).rejects.toMatchObject(failure);
    await fixture.runtime.teardownInfra(team, { removeData: true });
    await volume.inspect();
    await volume.remove();
    const container = await docker.createContainer({ Image: 'nats:2.10-alpine', name: `team-${team}-lead` });
    await expect(deploy()).rejects.toMatchObject(failure);
    await fixture.runtime.teardownInfra(team, { removeData: true });
    await container.remove();
    expect(await madeBy(fixture.instance)).toEqual({ containers: [], networks: [], volumes: [] });
  });

  it('tells agents apart whose containers would have the same name', async () => {
    const [first, second] = [
      await deploy({ ...agentConfig(team, 'b-c') }),
      await deploy({ ...agentConfig(`${team}-b`, 'c') }),
    ];
    await fixture.runtime.removeAgent(second.id);
    expect(await isRunning(first.id)).toBe(true);
    expect(await fixture.runtime.listAgents()).toHaveLength(1);
    const third = await deploy({ ...agentConfig(team, 'x-nats') });
    expect((await fixture.containerOf(third.id))?.Name).not.toBe(`/team-${team}-x-nats`);
  });

  it('keeps the state of an agent at a stop, and forgets it when the agent is removed', async () => {
    const { id } = await deploy();
    await fixture.shell(id, 'touch /state/session');
    await fixture.runtime.stopAgent(id);
    await deploy();
    await fixture.shell(id, 'test -e /state/session');
    await fixture.runtime.removeAgent(id);
    await deploy();
    await expect(fixture.shell(id, 'test -e /state/session')).rejects.toThrow('exit code 1');
  });

  it('says what is wrong with an image that is not to be had', async () => {
    const told: string[] = [];
    await fixture.runtime.deployInfra(infraOf(team), never);
    const config = { ...agentConfig(team, 'lead'), image: 'localhost:9/agentcrew/absent:1' };
    await expect(fixture.runtime.deployAgent(config, never, (text) => told.push(text))).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('The image localhost:9/agentcrew/absent:1 is not on this engine'),
    });
    expect(await fixture.runtime.listAgents()).toEqual([]);
  });

  it('shows why an agent ended, without its secrets', async () => {
    await fixture.runtime.deployInfra(infraOf(team), never);
    const failed = fixture.runtime.deployAgent(agentConfig(team, 'lead', 'exit'), never);
    await expect(failed).rejects.toMatchObject({
      code: 'AGENT_FAILED',
      message: 'agent lead ended while starting (exit code 3): cannot work with [redacted]',
    });
  });
});
