import { type Database, defaultOrgId } from '@agentcrew/models';
import { CrewError, type Envelope } from '@agentcrew/protocol';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { envelope } from '../support/rows.ts';
import { startTestCrew, type TestCrew } from '../support/test-crew.ts';

let crew: TestCrew;
let db: Database;
beforeEach(() => {
  crew = startTestCrew();
  db = crew.db;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await crew[Symbol.asyncDispose]();
});

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('deploying', () => {
  test('opens the bus before any agent starts, and shows its progress', async () => {
    const { id, slug } = crew.createTeam();
    const seen: string[] = [];
    const { deployAgent } = crew.runtime;
    vi.spyOn(crew.runtime, 'deployAgent').mockImplementation(async (config, signal) => {
      seen.push(`${crew.buses.of(slug).streamExists} ${crew.team(id).status_message}`);
      return deployAgent(config, signal);
    });
    crew.crew.deployer.deploy(crew.team(id));
    await crew.until(id, 'running');
    expect(seen[0]).toBe('true starting 2 agents');
    expect(crew.buses.of(slug)).toMatchObject({ connections: 1, open: 1 });
  });

  test('begins only with what is stored: what is refused alongside leaves the team as it is', async () => {
    const { id } = crew.createTeam();
    const deployInfra = vi.spyOn(crew.runtime, 'deployInfra');
    const refuse = () => {
      throw new CrewError('STORAGE_UNAVAILABLE', 'disk full');
    };
    expect(() => crew.crew.deployer.deploy(crew.team(id), refuse)).toThrow('disk full');
    expect(crew.team(id).status).toBe('stopped');
    expect(crew.crew.deployer.busy(id)).toBe(false);
    expect(deployInfra).not.toHaveBeenCalled();
  });

  test('without a credential ends in error that says what to set, before anything starts', async () => {
    await using poor = startTestCrew({ needsCredential: true });
    const { id } = poor.createTeam();
    const deployInfra = vi.spyOn(poor.runtime, 'deployInfra');
    poor.crew.deployer.deploy(poor.team(id));
    const { status_message } = await poor.until(id, 'error');
    expect(status_message).toMatch(/ANTHROPIC_API_KEY.*\/api\/settings/);
    expect(deployInfra).not.toHaveBeenCalled();
    poor.db.settings.upsert(defaultOrgId, { key: 'ANTHROPIC_API_KEY', value: 'key', is_secret: true });
    poor.crew.deployer.deploy(poor.team(id));
    await poor.until(id, 'running');
  });

  test('of a team that is for another program than Claude ends in error, before anything starts', async () => {
    await using rich = startTestCrew({ needsCredential: true, credentials: { ANTHROPIC_API_KEY: 'canary' } });
    const { id } = rich.createTeam();
    rich.db.teams.update(id, { provider: 'opencode' });
    const deployInfra = vi.spyOn(rich.runtime, 'deployInfra');
    rich.crew.deployer.deploy(rich.team(id));
    expect((await rich.until(id, 'error')).status_message).toMatch(/Claude Code only.*provider is opencode/);
    expect(deployInfra).not.toHaveBeenCalled();
  });

  test('hands credentials to the agents as secrets only', async () => {
    await using rich = startTestCrew({ needsCredential: true, credentials: { ANTHROPIC_API_KEY: 'canary' } });
    const deployAgent = vi.spyOn(rich.runtime, 'deployAgent');
    await rich.createRunningTeam();
    for (const [{ secrets, ...config }] of deployAgent.mock.calls) {
      expect(secrets.anthropic_api_key).toBe('canary');
      expect(JSON.stringify(config)).not.toContain('canary');
    }
  });

  test('with a bus that cannot be reached ends in error and leaves nothing', async () => {
    crew.buses.onConnect = () => {
      throw new CrewError('NATS_UNAVAILABLE', 'connection refused');
    };
    const { id } = crew.createTeam();
    crew.crew.deployer.deploy(crew.team(id));
    expect(await crew.until(id, 'error')).toMatchObject({
      status_message: expect.stringContaining('connection refused'),
    });
    expect(await crew.runtime.listAgents()).toEqual([]);
  });

  test('that fails and cannot clean up says both', async () => {
    const { id } = crew.createTeam();
    crew.runtime.failNext('deployAgent', new CrewError('CLI_NOT_FOUND', 'no Claude Code'));
    vi.spyOn(crew.runtime, 'teardownInfra').mockRejectedValueOnce(new CrewError('RUNTIME_FAILED', 'cannot kill'));
    crew.crew.deployer.deploy(crew.team(id));
    expect(await crew.until(id, 'error')).toMatchObject({
      status_message: expect.stringMatching(/no Claude Code.*cannot kill/),
    });
  });

  test('fails as soon as one agent does, without waiting for the slow ones', async () => {
    const { id } = crew.createTeam();
    crew.runtime.failNext('deployAgent', new CrewError('CLI_NOT_FOUND', 'no Claude Code'));
    crew.runtime.hangNext('deployAgent');
    crew.crew.deployer.deploy(crew.team(id));
    expect(await crew.until(id, 'error')).toMatchObject({ status_message: expect.stringContaining('no Claude Code') });
  });

  test('is refused in every other state', async () => {
    const running = await crew.createRunningTeam();
    expect(() => crew.crew.deployer.deploy(running)).toThrow(code('TEAM_ALREADY_RUNNING'));
    const team = crew.createTeam();
    crew.runtime.hangNext('deployAgent');
    crew.crew.deployer.deploy(team);
    expect(() => crew.crew.deployer.deploy(team)).toThrow(code('TEAM_DEPLOYING'));
  });

  test('of a team that is being removed is refused', async () => {
    const team = crew.createTeam();
    const removing = crew.crew.deployer.remove(team);
    expect(() => crew.crew.deployer.deploy(team)).toThrow(code('TEAM_DEPLOYING'));
    expect(crew.team(team.id).status).toBe('stopped');
    await removing;
    expect(db.teams.get(team.id)).toBeUndefined();
  });
});

describe('stopping', () => {
  test('asks the agents to end, waits for their last words, then ends the bus', async () => {
    const { id, slug } = await crew.createRunningTeam();
    const bus = crew.buses.of(slug);
    const lags = [
      { pending: 2, unsettled: 0 },
      { pending: 0, unsettled: 1 },
    ];
    vi.spyOn(bus.lag, 'has').mockReturnValue(true);
    const asked = vi.spyOn(bus.lag, 'get').mockImplementation(() => lags.shift() ?? { pending: 0, unsettled: 0 });
    await crew.crew.deployer.stop(crew.team(id));
    expect(bus.requests.map(({ agent, request }) => [agent, request.type]).sort()).toEqual([
      ['Lead', 'shutdown'],
      ['Worker', 'shutdown'],
    ]);
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(3);
    expect(bus).toMatchObject({ streamExists: false, open: 0 });
  });

  test('answers the tasks between agents that nobody has finished, and no others', async () => {
    const { id } = await crew.createRunningTeam();
    const say = (values: Partial<Envelope>) => crew.crew.messages.storeEnvelope(id, envelope(values), undefined);
    const task = { from: 'Lead', to: 'Worker', type: 'task_assignment' } as const;
    say({ ...task, message_id: 'done' });
    say({ from: 'Worker', to: 'Lead', type: 'task_result', ref_message_id: 'done', payload: { status: 'completed' } });
    say({ ...task, message_id: 'waits' });
    say({ ...task, message_id: 'asked', type: 'question' });
    await crew.crew.deployer.stop(crew.team(id));
    const failures = crew.messages(id).filter(({ payload }) => payload.code === 'TEAM_STOPPED');
    expect(failures.map((row) => [row.message_type, row.from_agent, row.to_agent, row.ref_message_id])).toEqual([
      ['task_result', 'Worker', 'Lead', 'waits'],
      ['task_result', 'Worker', 'Lead', 'asked'],
    ]);
  });

  test('goes on when the bus is away or an agent does not answer', async () => {
    const { id, slug } = await crew.createRunningTeam();
    crew.buses.of(slug).onRequest = () => {
      throw new CrewError('NATS_UNAVAILABLE', 'no answer');
    };
    expect(await crew.crew.deployer.stop(crew.team(id))).toMatchObject({ status: 'stopped' });
    const again = await crew.createRunningTeam();
    crew.buses.of(again.slug).setConnected(false);
    expect(await crew.crew.deployer.stop(again)).toMatchObject({ status: 'stopped' });
    expect(crew.buses.of(again.slug).requests).toEqual([]);
  });

  test('twice at the same time is one stop', async () => {
    const team = await crew.createRunningTeam();
    const answer = latch();
    crew.buses.of(team.slug).onRequest = () => answer.promise;
    const teardown = vi.spyOn(crew.runtime, 'teardownInfra');
    const stops = [crew.crew.deployer.stop(team), crew.crew.deployer.stop(team)];
    expect(() => crew.crew.deployer.deploy(team)).toThrow(code('TEAM_ALREADY_RUNNING'));
    answer.open();
    for (const stopped of await Promise.all(stops)) expect(stopped.status).toBe('stopped');
    expect(teardown).toHaveBeenCalledTimes(1);
  });

  test('answers what was accepted, also while it went on', async () => {
    const team = await crew.createRunningTeam();
    const bus = crew.buses.of(team.slug);
    const sent = crew.crew.acceptChat(team.id, 'sent');
    await waitFor('the message', () => bus.published.length === 1);
    const answer = latch();
    bus.onRequest = () => answer.promise;
    const stopping = crew.crew.deployer.stop(team);
    const late = crew.crew.acceptChat(team.id, 'late');
    answer.open();
    await stopping;
    const replies = crew.messages(team.id).filter(({ message_type }) => message_type === 'leader_response');
    expect(replies.map(({ ref_message_id }) => ref_message_id)).toEqual([sent.message_id, late.message_id]);
    for (const { payload } of replies) expect(payload).toMatchObject({ status: 'failed', code: 'TEAM_STOPPED' });
    expect(() => crew.crew.acceptChat(team.id, 'too late')).toThrow(code('TEAM_NOT_RUNNING'));
  });

  test('keeps the data', async () => {
    const team = await crew.createRunningTeam();
    const teardown = vi.spyOn(crew.runtime, 'teardownInfra');
    await crew.crew.deployer.stop(team);
    for (const [, options] of teardown.mock.calls) expect(options?.removeData ?? false).toBe(false);
  });

  test('that fails leaves the team in error, to be stopped again', async () => {
    const team = await crew.createRunningTeam();
    vi.spyOn(crew.runtime, 'teardownInfra').mockRejectedValueOnce(new CrewError('RUNTIME_FAILED', 'cannot kill'));
    await expect(crew.crew.deployer.stop(team)).rejects.toThrow(code('RUNTIME_FAILED'));
    expect(crew.team(team.id)).toMatchObject({
      status: 'error',
      status_message: expect.stringContaining('cannot kill'),
    });
    expect(await crew.crew.deployer.stop(crew.team(team.id))).toMatchObject({ status: 'stopped' });
    expect(await crew.runtime.listAgents()).toEqual([]);
  });

  test('of a team that is stopped is refused', async () => {
    await expect(crew.crew.deployer.stop(crew.createTeam())).rejects.toThrow(code('TEAM_NOT_RUNNING'));
  });
});

describe('removing', () => {
  test('takes the data along', async () => {
    const team = await crew.createRunningTeam();
    await crew.crew.deployer.stop(team);
    const teardown = vi.spyOn(crew.runtime, 'teardownInfra');
    await crew.crew.deployer.remove(team);
    expect(teardown).toHaveBeenCalledWith(team.slug, { removeData: true });
    expect(db.teams.get(team.id)).toBeUndefined();
  });

  test('that fails keeps the team', async () => {
    const team = crew.createTeam();
    vi.spyOn(crew.runtime, 'teardownInfra').mockRejectedValueOnce(new CrewError('RUNTIME_FAILED', 'busy'));
    await expect(crew.crew.deployer.remove(team)).rejects.toThrow(code('RUNTIME_FAILED'));
    expect(crew.team(team.id).status).toBe('stopped');
    await crew.crew.deployer.remove(team);
  });

  test('is refused while the team is up', async () => {
    const team = await crew.createRunningTeam();
    await expect(crew.crew.deployer.remove(team)).rejects.toThrow(code('TEAM_NOT_STOPPED'));
  });
});

describe('repairs', () => {
  test('are cancelled by an operation, which waits for their end', async () => {
    const team = await crew.createRunningTeam();
    const order: string[] = [];
    const repairing = crew.crew.deployer.repair(team.id, async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      order.push('repair ended');
    });
    vi.spyOn(crew.runtime, 'teardownInfra').mockImplementation(async () => void order.push('torn down'));
    await crew.crew.deployer.stop(team);
    await repairing;
    expect(order).toEqual(['repair ended', 'torn down']);
  });

  test('do not begin while an operation goes on', async () => {
    const team = crew.createTeam();
    crew.runtime.hangNext('deployInfra');
    crew.crew.deployer.deploy(team);
    const work = vi.fn();
    await crew.crew.deployer.repair(team.id, work);
    expect(work).not.toHaveBeenCalled();
  });
});
