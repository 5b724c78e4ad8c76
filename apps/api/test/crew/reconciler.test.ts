import type { AgentRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { AgentConfig } from '@agentcrew/runtime';
import { mockAgentId } from '@agentcrew/runtime/mock';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { memoryDatabase } from '../support/rows.ts';
import { startTestCrew, type TestCrew } from '../support/test-crew.ts';

let crew: TestCrew;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  crew = startTestCrew({ maxRestarts: 2 });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await crew[Symbol.asyncDispose]();
  vi.useRealTimers();
});

const pass = () => crew.crew.reconciler.pass();
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const running = async (slug: string) =>
  (await crew.runtime.listAgents()).filter(({ team, state }) => team === slug && state === 'running').length;
const statuses = (id: string) => crew.agents(id).map(({ container_status }) => container_status);

function kill(slug: string, agent = 'Worker', message = 'killed by a test'): void {
  crew.runtime.kill(mockAgentId(slug, agent), message);
}

async function untilRestarted(id: string): Promise<void> {
  await waitFor('the agent to run', () => statuses(id).every((status) => status === 'running'));
  await pass();
}

describe('an agent that died', () => {
  test('is shown at once, with its reason, and restarted after a pause', async () => {
    const { id, slug } = await crew.createRunningTeam();
    kill(slug);
    await pass();
    expect(statuses(id)).toEqual(['running', 'error']);
    expect(crew.team(id)).toMatchObject({
      status: 'running',
      status_message: expect.stringMatching(/Worker.*attempt 1.*killed by a test/),
    });
    later(400);
    await pass();
    expect(statuses(id)).toEqual(['running', 'error']);
    later(100);
    await pass();
    await untilRestarted(id);
    expect(crew.team(id)).toMatchObject({ status: 'running', status_message: '' });
    expect(await running(slug)).toBe(2);
  });

  test('is restarted when its process is gone without a trace', async () => {
    const { id, slug } = await crew.createRunningTeam();
    await crew.runtime.removeAgent(mockAgentId(slug, 'Lead'));
    await pass();
    expect(crew.team(id).status_message).toContain('its process is gone');
    later(500);
    await pass();
    await untilRestarted(id);
  });

  test('waits longer before each further restart', async () => {
    const { id, slug } = await crew.createRunningTeam();
    for (const wait of [500, 1000]) {
      kill(slug);
      await pass();
      later(wait - 1);
      await pass();
      expect(statuses(id)).toContain('error');
      later(1);
      await pass();
      await untilRestarted(id);
    }
  });

  test('too often in a row is given up: the team ends in error, nothing runs, and all that waited is answered', async () => {
    const { id, slug } = await crew.createRunningTeam();
    const asked = ['one', 'two', 'three'].map((text) => crew.crew.acceptChat(id, text).message_id);
    for (const wait of [500, 1000]) {
      kill(slug);
      await pass();
      later(wait);
      await pass();
      await untilRestarted(id);
    }
    kill(slug, 'Worker', 'the last straw');
    await pass();
    const team = await crew.until(id, 'error');
    expect(team.status_message).toMatch(/Worker died 3 times in a row \(the last straw\)/);
    expect(await crew.runtime.listAgents()).toEqual([]);
    expect(statuses(id)).not.toContain('running');
    const replies = crew.messages(id).filter(({ message_type }) => message_type === 'leader_response');
    expect(replies.map(({ ref_message_id }) => ref_message_id)).toEqual(asked);
    for (const { payload } of replies)
      expect(payload).toMatchObject({ status: 'failed', error: expect.stringContaining('the last straw') });
    await pass();
    expect(crew.team(id).status).toBe('error');
    crew.crew.deployer.deploy(crew.team(id));
    await crew.until(id, 'running');
    kill(slug);
    await pass();
    expect(crew.team(id)).toMatchObject({ status: 'running', status_message: expect.stringContaining('attempt 1') });
  });

  test('and does not start again counts as having died again', async () => {
    const { id, slug } = await crew.createRunningTeam();
    kill(slug);
    await pass();
    for (const wait of [500, 1000]) {
      crew.runtime.failNext('deployAgent', new CrewError('AGENT_NOT_READY', 'not ready in time'));
      later(wait);
      await pass();
      await waitFor('the failed start', () => crew.crew.reconciler.pass().then(() => statuses(id).includes('error')));
    }
    const team = await crew.until(id, 'error');
    expect(team.status_message).toContain('not ready in time');
  });

  test('after a long good time starts with the shortest pause again', async () => {
    const { id, slug } = await crew.createRunningTeam();
    for (let n = 0; n < 5; n += 1) {
      kill(slug);
      await pass();
      later(500);
      await pass();
      await untilRestarted(id);
      later(60_000);
    }
    expect(crew.team(id)).toMatchObject({ status: 'running', status_message: '' });
  });

  test('is not restarted once the team is being stopped, and nothing of it is left', async () => {
    const { id, slug } = await crew.createRunningTeam();
    kill(slug);
    await pass();
    later(500);
    crew.runtime.hangNext('deployAgent');
    await pass();
    await crew.crew.deployer.stop(crew.team(id));
    expect(crew.team(id)).toMatchObject({ status: 'stopped', status_message: '' });
    expect(statuses(id)).toEqual(['stopped', 'stopped']);
    expect(await crew.runtime.listAgents()).toEqual([]);
    await pass();
    expect(statuses(id)).toEqual(['stopped', 'stopped']);
  });
});

describe('an agent that runs and does not answer', () => {
  const mute = (slug: string) => {
    crew.buses.of(slug).onRequest = ({ type }) => {
      if (type === 'status') throw new CrewError('AGENT_UNRESPONSIVE', 'no answer');
    };
  };
  const askedAndHeard = async () => {
    await pass();
    await new Promise(setImmediate);
    await pass();
  };

  test('is said to be dead, ended, and started again', async () => {
    await crew[Symbol.asyncDispose]();
    crew = startTestCrew({ agentSilenceTimeoutMs: 0 });
    const { id, slug } = await crew.createRunningTeam();
    await askedAndHeard();
    expect(crew.team(id).status_message).toBe('');
    const stopAgent = vi.spyOn(crew.runtime, 'stopAgent');
    mute(slug);
    await askedAndHeard();
    expect(crew.team(id).status_message).toMatch(/Worker.*does not answer/);
    crew.buses.of(slug).onRequest = () => undefined;
    await untilRestarted(id);
    expect(stopAgent).toHaveBeenCalledWith(mockAgentId(slug, 'Worker'));
    expect(crew.team(id).status_message).toBe('');
    expect(await running(slug)).toBe(2);
  });

  test('is named at once, unless it is being restarted, and has its time', async () => {
    const restart = latch();
    const { id, slug } = await crew.createRunningTeam();
    mute(slug);
    await askedAndHeard();
    expect(statuses(id)).toEqual(['running', 'running']);
    expect(crew.team(id).status_message).toBe('Agent Lead does not answer; Agent Worker does not answer');
    const lead = crew.agents(id).find(({ name }) => name === 'Lead') as AgentRow;
    vi.spyOn(crew.runtime, 'stopAgent').mockReturnValueOnce(restart.promise);
    crew.crew.reconciler.restart(crew.team(id), lead);
    await pass();
    expect(crew.team(id).status_message).toBe('Agent Worker does not answer');
    restart.open();
    crew.buses.of(slug).onRequest = () => undefined;
    await askedAndHeard();
    expect(crew.team(id).status_message).toBe('');
  });
});

test('a stop in the middle of a pass is not undone by it', async () => {
  const { id, slug } = await crew.createRunningTeam();
  crew.runtime.hangNext('deployInfra');
  const passing = pass();
  await crew.crew.deployer.stop(crew.team(id));
  await passing;
  expect(crew.team(id)).toMatchObject({ status: 'stopped', status_message: '' });
  expect(statuses(id)).toEqual(['stopped', 'stopped']);
  expect(crew.buses.of(slug).open).toBe(0);
});

test('a team with a sick bus says so, and is fine when that is over', async () => {
  const { id, slug } = await crew.createRunningTeam();
  await crew.crew.buses.closeAndDelete(id);
  crew.buses.onConnect = () => {
    throw new CrewError('NATS_UNAVAILABLE', 'connection refused');
  };
  await pass();
  expect(crew.team(id)).toMatchObject({
    status: 'running',
    status_message: expect.stringContaining('connection refused'),
  });
  crew.crew.acceptChat(id, 'meanwhile');
  crew.buses.onConnect = () => undefined;
  await pass();
  expect(crew.team(id)).toMatchObject({ status: 'running', status_message: '' });
  await waitFor('the message', () => crew.buses.of(slug).published.length === 1);
});

test('what died is said while the bus is still being brought back', async () => {
  const { id, slug } = await crew.createRunningTeam();
  crew.crew.reconciler.start();
  await pass();
  const bus = latch();
  vi.spyOn(crew.runtime, 'deployInfra').mockImplementation(() => bus.promise);
  kill(slug);
  const passing = pass();
  await waitFor('the news', () => crew.team(id).status_message.includes('killed by a test'));
  expect(statuses(id)).toEqual(['running', 'error']);
  kill(slug, 'Lead', 'killed a moment later');
  await waitFor('the further news', () => crew.team(id).status_message.includes('killed a moment later'));
  expect(statuses(id)).toEqual(['error', 'error']);
  bus.open();
  await passing;
});

test('a bus that does not answer, and a runtime that does not, are said', async () => {
  const { id, slug } = await crew.createRunningTeam();
  await pass();
  crew.buses.of(slug).setConnected(false);
  await pass();
  expect(crew.team(id).status_message).toMatch(/Not healthy: .*bus does not answer/);
  crew.buses.of(slug).setConnected(true);
  await pass();
  expect(crew.team(id).status_message).toBe('');
  const away = new CrewError('RUNTIME_FAILED', 'the cluster is away');
  vi.spyOn(crew.runtime, 'listAgents').mockRejectedValueOnce(away);
  await pass();
  expect(crew.team(id)).toMatchObject({ status: 'running', status_message: 'Not healthy: the cluster is away' });
  await pass();
  expect(crew.team(id).status_message).toBe('');
});

test('a trouble that lasts is logged once, and another one again', async () => {
  const { id } = await crew.createRunningTeam();
  const { log } = crew.crew;
  const [error, warn, info] = [vi.spyOn(log, 'error'), vi.spyOn(log, 'warn'), vi.spyOn(log, 'info')];
  const list = vi.spyOn(crew.runtime, 'listAgents');
  for (const reason of ['away', 'away', 'no permission', 'no permission']) {
    list.mockRejectedValueOnce(new CrewError('RUNTIME_FAILED', reason));
    await pass();
  }
  expect(error.mock.calls.map(([what]) => what)).toEqual([{ error: 'away' }, { error: 'no permission' }]);
  await pass();
  await pass();
  expect(info.mock.calls).toEqual([['reconciliation works again']]);
  for (const reason of ['sick', 'sick', undefined, 'sick']) {
    if (reason) crew.runtime.failNext('deployInfra', new CrewError('RUNTIME_FAILED', reason));
    await pass();
  }
  const sick = expect.objectContaining({ team_id: id, error: 'sick' });
  expect(warn.mock.calls.map(([what]) => what)).toEqual([sick, sick]);
});

test('one sick team does not keep the others from being mended', async () => {
  const sick = await crew.createRunningTeam();
  const other = await crew.createRunningTeam();
  crew.runtime.failNext('deployInfra', new CrewError('RUNTIME_FAILED', 'disk on fire'));
  kill(other.slug);
  await pass();
  expect(crew.team(sick.id).status_message).toContain('disk on fire');
  expect(statuses(other.id)).toEqual(['running', 'error']);
});

describe('after a start', () => {
  test('a deploy that was cut off is finished', async () => {
    const { id } = crew.createTeam();
    crew.db.teams.setStatus(id, 'deploying', 'starting the message bus');
    crew.crew.reconciler.start();
    expect(await crew.until(id, 'running')).toMatchObject({ status_message: '' });
    expect(statuses(id)).toEqual(['running', 'running']);
  });

  test.each(['running', 'deploying', 'error'] as const)(
    'a stop of a %s team that was cut off is finished',
    async (status) => {
      const team = await crew.createRunningTeam();
      crew.db.teams.setStatus(team.id, status, '');
      crew.db.teams.update(team.id, { stop_requested_at: new Date() });
      crew.crew.reconciler.start();
      expect(await crew.until(team.id, 'stopped')).toMatchObject({ stop_requested_at: null });
      expect(await running(team.slug)).toBe(0);
    },
  );

  test('a deploy that cannot be finished ends in error', async () => {
    const { id } = crew.createTeam([{ name: 'a' }]);
    crew.db.teams.setStatus(id, 'deploying', '');
    crew.crew.reconciler.start();
    expect(await crew.until(id, 'error')).toMatchObject({ status_message: expect.stringContaining('leader') });
  });

  test('agents that run are adopted, messages that waited are sent, and a deploy that was abandoned goes on', async () => {
    const db = memoryDatabase();
    const first = startTestCrew({ db, runtime: crew.runtime, buses: crew.buses });
    const team = await first.createRunningTeam();
    crew.buses.of(team.slug).setConnected(false);
    first.crew.acceptChat(team.id, 'waits');
    const half = first.createTeam();
    crew.runtime.hangNext('deployAgent');
    first.crew.deployer.deploy(half);
    await waitFor('its agents to be started', () => first.team(half.id).status_message.includes('agents'));
    await first.crew.close();
    expect(db.teams.get(half.id)?.status).toBe('deploying');
    crew.buses.of(team.slug).setConnected(true);

    const deployAgent = vi.spyOn(crew.runtime, 'deployAgent');
    await using second = startTestCrew({ db, runtime: crew.runtime, buses: crew.buses });
    second.crew.reconciler.start();
    await waitFor('the message', () => crew.buses.of(team.slug).published.length === 1);
    await second.until(half.id, 'running');
    const started = deployAgent.mock.calls.map(([config]) => config.team);
    expect(new Set(started)).toEqual(new Set([half.slug]));
    await second[Symbol.asyncDispose]();
    db[Symbol.dispose]();
  });
});

describe('agents nobody asked for', () => {
  const config = (team: string, agent: string) => ({ team, agent }) as AgentConfig;
  const signal = new AbortController().signal;

  test('are ended: of unknown teams, of stopped ones, and deleted ones of running teams', async () => {
    const { id, slug } = await crew.createRunningTeam();
    const stopped = crew.createTeam();
    await crew.runtime.deployAgent(config('unknown', 'a'), signal);
    await crew.runtime.deployAgent(config(stopped.slug, 'Lead'), signal);
    await crew.runtime.deployAgent(config(slug, 'deleted'), signal);
    await pass();
    const left = (await crew.runtime.listAgents()).map(({ team, agent }) => `${team} ${agent}`);
    expect(left.sort()).toEqual([`${slug} Lead`, `${slug} Worker`].sort());
    expect(crew.team(id)).toMatchObject({ status: 'running', status_message: '' });
  });

  test('do not include those of a deploy that is under way', async () => {
    const started = latch();
    const team = crew.createTeam();
    const { deployAgent } = crew.runtime;
    const finish = latch();
    vi.spyOn(crew.runtime, 'deployAgent').mockImplementation(async (agent, cancel) => {
      const instance = await deployAgent(agent, cancel);
      started.open();
      await finish.promise;
      return instance;
    });
    crew.crew.deployer.deploy(team);
    await started.promise;
    await pass();
    expect(await running(team.slug)).toBeGreaterThan(0);
    finish.open();
    await crew.until(team.id, 'running');
    expect(await running(team.slug)).toBe(2);
  });
});

describe('while the database cannot be used', () => {
  const broken = () => {
    throw new CrewError('STORAGE_UNAVAILABLE', 'database is locked');
  };

  test.each(['all', 'setStatus', 'get'] as const)('a pass that needs teams.%s does no harm', async (query) => {
    const { id, slug } = await crew.createRunningTeam();
    kill(slug);
    vi.spyOn(crew.db.teams, query).mockImplementation(broken);
    await pass();
    await pass();
    vi.restoreAllMocks();
    await pass();
    later(60_000);
    await pass();
    await untilRestarted(id);
    expect(crew.team(id)).toMatchObject({ status: 'running', status_message: '' });
  });

  test('an agent that has to be given up then does not end the server', async () => {
    await crew[Symbol.asyncDispose]();
    crew = startTestCrew({ maxRestarts: 0 });
    const { id, slug } = await crew.createRunningTeam();
    kill(slug);
    vi.spyOn(crew.db.teams, 'setStatus').mockImplementation(broken);
    await pass();
    await waitFor('the attempt to end', () => !crew.crew.deployer.busy(id));
    vi.restoreAllMocks();
    await pass();
    await crew.until(id, 'error');
  });
});

test('a change that the runtime reports is looked at without waiting for the timer', async () => {
  const { id, slug } = await crew.createRunningTeam();
  crew.crew.reconciler.start();
  await pass();
  kill(slug);
  await waitFor('it to be noticed', () => statuses(id).includes('error'));
});

test('a team whose bus password cannot be decrypted any more ends in error, and its messages are answered', async () => {
  const { id, slug } = await crew.createRunningTeam();
  const asked = crew.crew.acceptChat(id, 'hello');
  crew.db.teams.update(id, { nats_token: '' });
  await pass();
  await crew.until(id, 'error');
  expect(crew.team(id).status_message).toContain('SETTINGS_ENCRYPTION_KEY');
  expect(crew.db.messages.get(asked.message_id)?.delivery).toBe('answered');
  expect(await running(slug)).toBe(0);
});
