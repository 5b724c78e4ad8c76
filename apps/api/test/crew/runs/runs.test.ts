import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createAgent } from '@agentcrew/api/crew/roster.ts';
import type { RunEnded } from '@agentcrew/api/crew/runs/run-ended.ts';
import type { RunRef } from '@agentcrew/models';
import { mockRuntime } from '@agentcrew/runtime/mock';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeBuses } from '../../support/fake-bus.ts';
import { envelope, memoryDatabase } from '../../support/rows.ts';
import { promptOf, replyTo, scheduleRun, stored, untilEnded, webhookRun } from '../../support/runs.ts';
import { startTestCrew, type TestCrew, type TestCrewOptions } from '../../support/test-crew.ts';

let shared: Required<Pick<TestCrewOptions, 'db' | 'runtime' | 'buses'>>;
let crew: TestCrew;
beforeEach(() => {
  shared = { db: memoryDatabase(), runtime: mockRuntime(), buses: createFakeBuses() };
  crew = startTestCrew(shared);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await crew[Symbol.asyncDispose]();
  shared.db[Symbol.dispose]();
});

const bus = (teamId: string) => shared.buses.of(crew.team(teamId).slug);
const prompt = (teamId: string, ref: RunRef) => promptOf(shared.db, ref, bus(teamId));

const interruptions = (teamId: string) => bus(teamId).requests.filter(({ request }) => request.type === 'interrupt');

async function answer(teamId: string, ref: RunRef, payload: Record<string, unknown>) {
  await bus(teamId).deliver(replyTo(await prompt(teamId, ref), payload));
  return untilEnded(shared.db, ref);
}

/** As after a kill: what the server had in memory is gone. */
async function restart(options: Partial<TestCrewOptions> = {}): Promise<void> {
  await crew[Symbol.asyncDispose]();
  crew = startTestCrew({ ...shared, ...options });
  crew.crew.runs.start();
  await crew.crew.reconciler.pass();
}

describe('the run of a schedule', () => {
  test('deploys the team, sends the prompt once, takes its reply, and stops the team', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id, 'What is new?');
    crew.crew.runs.follow(ref);
    crew.crew.runs.follow(ref);
    const run = await answer(id, ref, { result: 'Nothing.' });
    expect(run).toMatchObject({ status: 'success', response_received: 'Nothing.', error: '', deployed_team: true });
    const payload = { content: 'What is new?', source: 'scheduler', scheduled_run_id: ref.id };
    expect(bus(id).published.map(({ envelope }) => envelope)).toMatchObject([
      { message_id: run.message_id, type: 'user_message', from: 'user', to: 'Lead', payload },
    ]);
    await crew.until(id, 'stopped');
    expect(shared.db.schedules.get(run.trigger.id)).toMatchObject({ status: 'idle' });
  });

  test('leaves a team running that was running before', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', deployed_team: false });
    expect(crew.team(id)).toMatchObject({ status: 'running', stop_requested_at: null });
  });

  test('fails at once when who leads the team by now was not deployed with it', async () => {
    const { id } = await crew.createRunningTeam([{ name: 'Lead', role: 'leader' }]);
    for (const { id: lead } of crew.agents(id)) shared.db.agents.update(lead, { role: 'worker' });
    createAgent(shared.db, crew.team(id), { name: 'New', role: 'leader' });
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const error = 'New leads the team and starts with the next deploy';
    expect(await untilEnded(shared.db, ref)).toMatchObject({ status: 'failed', error, message_id: null });
  });

  test('waits for its reply in peace while the leader delegates and asks for approvals', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const { message_id } = await prompt(id, ref);
    const { replyTo: asked } = shared.db.runs;
    const reads = vi.spyOn(shared.db.runs, 'replyTo').mockImplementation((message) => {
      // A run that asks without a pause would let nothing else of the process run, this test included.
      if (reads.mock.calls.length > 10) throw new Error('the database is asked without a pause');
      return asked(message);
    });
    for (const type of ['task_assignment', 'approval_request', 'task_assignment'] as const)
      await bus(id).deliver(
        envelope({ message_id: randomUUID(), type, ref_message_id: message_id, payload: { content: 'Please.' } }),
      );
    await new Promise(setImmediate);
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', response_received: 'Done.' });
  });

  test('leaves a team running that somebody has stopped and deployed again meanwhile', async () => {
    const { id } = crew.createTeam();
    vi.spyOn(shared.runtime, 'deployAgent').mockImplementationOnce(async (_agent, signal) => {
      await once(signal, 'abort');
      throw signal.reason;
    });
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await waitFor('its deploy', () => stored(shared.db, ref).deployed_team);
    await crew.crew.deployer.stop(crew.team(id));
    crew.crew.deployer.deploy(crew.team(id));
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', deployed_team: false });
    expect(crew.team(id)).toMatchObject({ status: 'running', stop_requested_at: null });
  });

  test('waits for a deploy of somebody else and leaves that team running', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.deployer.deploy(crew.team(id));
    crew.crew.runs.follow(ref);
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', deployed_team: false });
    expect(crew.team(id)).toMatchObject({ status: 'running', stop_requested_at: null });
  });

  test('leaves a team running that somebody has chatted with meanwhile', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await prompt(id, ref);
    crew.crew.acceptChat(id, 'I am here, too');
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', deployed_team: true });
    expect(crew.team(id)).toMatchObject({ status: 'running', stop_requested_at: null });
  });

  test('leaves the stop to another run that still uses the team; each run takes its own answer', async () => {
    const { id } = crew.createTeam();
    const first = scheduleRun(shared.db, id, 'first');
    crew.crew.runs.follow(first);
    await prompt(id, first);
    const second = webhookRun(shared.db, id, 'second');
    const third = scheduleRun(shared.db, id, 'third');
    for (const ref of [second, third]) crew.crew.runs.follow(ref);
    for (const ref of [second, third]) await prompt(id, ref);
    expect(await answer(id, third, { result: 'to the third' })).toMatchObject({ response_received: 'to the third' });
    expect(await answer(id, first, { result: 'to the first' })).toMatchObject({ response_received: 'to the first' });
    expect(crew.team(id)).toMatchObject({ status: 'running', stop_requested_at: null });
    expect(await answer(id, second, { result: 'to the second' })).toMatchObject({ response_received: 'to the second' });
    await crew.until(id, 'stopped');
  });

  test('fails with the reason when the team cannot be deployed', async () => {
    const { id } = crew.createTeam([{ name: 'Worker' }]);
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const run = await untilEnded(shared.db, ref);
    expect(run).toMatchObject({ status: 'failed', message_id: null });
    expect(run.error).toContain(crew.team(id).status_message);
    expect(crew.team(id).status).toBe('error');
  });

  test('that ends during its deploy as a timeout cancels the deploy', async () => {
    await crew[Symbol.asyncDispose]();
    crew = startTestCrew({ ...shared, scheduleTimeoutMs: 300 });
    shared.runtime.deployAgent = async (_agent, signal) => {
      await once(signal, 'abort');
      throw signal.reason;
    };
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    expect(await untilEnded(shared.db, ref)).toMatchObject({
      status: 'timeout',
      deployed_team: true,
      message_id: null,
    });
    await crew.until(id, 'stopped');
  });

  test('fails when the team is stopped before its answer', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await prompt(id, ref);
    await crew.crew.deployer.stop(crew.team(id));
    expect(await untilEnded(shared.db, ref)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('stopped'),
    });
    await crew.until(id, 'stopped');
    expect(crew.team(id).stop_requested_at).toBeNull();
  });
});

describe('the end', () => {
  test.each(['failed', 'interrupted'])('of a reply that says %s is a failure with its error', async (status) => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const run = await answer(id, ref, { status, error: 'It broke.', code: 'TURN_FAILED' });
    expect(run).toMatchObject({ status: 'failed', error: 'It broke.', response_received: '' });
  });

  test('is told within the transaction that stores it', async () => {
    const { id, name } = await crew.createRunningTeam();
    const told: RunEnded[] = [];
    const ref = webhookRun(shared.db, id, 'Hello');
    crew.crew.runs.onEnded = (ended) => {
      // Written inside: rolled back with what throws below.
      shared.db.teams.update(id, { description: 'told' });
      told.push(ended);
      expect(stored(shared.db, ref).status).toBe('success');
      throw new Error('the listener breaks');
    };
    crew.crew.runs.follow(ref);
    const run = await answer(id, ref, { result: 'Hi.' });
    const { started_at, finished_at, prompt_sent } = run;
    expect(told).toEqual([
      {
        trigger_type: 'webhook',
        trigger_id: run.trigger.id,
        trigger_name: 'hook',
        team_name: name,
        org_id: run.trigger.org_id,
        run: {
          id: ref.id,
          status: 'success',
          started_at,
          finished_at,
          error: '',
          prompt_sent,
          response_received: 'Hi.',
        },
      },
    ]);
    expect(crew.team(id).description).toBe('');
  });

  test('of a run that takes too long is a timeout; only its turn is interrupted', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = webhookRun(shared.db, id, 'Hello', { timeout_seconds: 1 });
    crew.crew.runs.follow(ref);
    const message = await prompt(id, ref);
    const run = await untilEnded(shared.db, ref);
    expect(run).toMatchObject({ status: 'timeout', error: 'The run took longer than 1 s and was ended.' });
    await waitFor('the interruption', () => bus(id).requests.some(({ request }) => request.type === 'interrupt'));
    expect(bus(id).requests.filter(({ request }) => request.type === 'interrupt')).toEqual([
      { agent: 'Lead', request: { type: 'interrupt', reason: run.error, message_id: message.message_id } },
    ]);
    await bus(id).deliver(replyTo(message, { status: 'interrupted', error: 'late' }));
    expect(stored(shared.db, ref)).toEqual(run);
  });

  test('of a run whose prompt never left is a timeout, and the prompt is not sent later', async () => {
    const { id } = await crew.createRunningTeam();
    bus(id).setConnected(false);
    const ref = webhookRun(shared.db, id, 'Hello', { timeout_seconds: 1 });
    crew.crew.runs.follow(ref);
    expect(await untilEnded(shared.db, ref)).toMatchObject({ status: 'timeout' });
    await waitFor('the failure', () => crew.messages(id).some(({ payload }) => payload.code === 'TURN_TIMEOUT'));
    bus(id).setConnected(true);
    await crew.crew.outbox.idle();
    expect(bus(id).published).toEqual([]);
  });

  test('of a run whose time is over while the bus is away interrupts its turn once the bus is back', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = webhookRun(shared.db, id, 'Hello', { timeout_seconds: 1 });
    crew.crew.runs.follow(ref);
    const message = await prompt(id, ref);
    bus(id).setConnected(false);
    const { error } = await untilEnded(shared.db, ref);
    await crew.crew.cancellations.idle();
    expect(interruptions(id)).toEqual([]);
    bus(id).setConnected(true);
    const request = { type: 'interrupt', reason: error, message_id: message.message_id };
    await waitFor('the interruption', () => interruptions(id).length > 0);
    expect(interruptions(id)).toEqual([{ agent: 'Lead', request }]);
    await bus(id).deliver(replyTo(message, { status: 'interrupted', error: 'late' }));
    await crew.crew.reconciler.pass();
    await crew.crew.cancellations.idle();
    expect(interruptions(id)).toHaveLength(1);
  });

  test('shows no secret', async () => {
    const { id, org_id, nats_token } = await crew.createRunningTeam();
    shared.db.settings.upsert(org_id, { key: 'KEY', value: 'a-secret-value', is_secret: true });
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const run = await answer(id, ref, { status: 'failed', error: `no: a-secret-value ${nats_token}` });
    expect(run.error).toBe('no: [redacted] [redacted]');
  });
});

describe('after a restart', () => {
  test('a run whose prompt was not sent is closed as failed, and its team stopped', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    shared.db.runs.update(ref, { deployed_team: true });
    shared.db.teams.setStatus(id, 'deploying', '');
    const told: string[] = [];
    await crew[Symbol.asyncDispose]();
    crew = startTestCrew(shared);
    crew.crew.runs.onEnded = ({ run }) => void told.push(run.id);
    crew.crew.start();
    const error = 'The server was restarted before the prompt was sent.';
    expect(stored(shared.db, ref)).toMatchObject({ status: 'failed', error });
    expect(told).toEqual([ref.id]);
    await crew.until(id, 'stopped');
  });

  test('a run that waits for its reply goes on, and stops the team that it deployed', async () => {
    const { id } = crew.createTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await prompt(id, ref);
    await restart();
    expect(stored(shared.db, ref).status).toBe('running');
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', response_received: 'Done.' });
    await crew.until(id, 'stopped');
    expect(bus(id).published).toHaveLength(1);
  });

  test('a reply that is in the database already is found, although the time of the run is over', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const message = await prompt(id, ref);
    await crew[Symbol.asyncDispose]();
    crew = startTestCrew({ ...shared, scheduleTimeoutMs: 1 });
    crew.crew.messages.storeEnvelope(id, replyTo(message, { result: 'Done.' }), undefined);
    crew.crew.runs.start();
    expect(await untilEnded(shared.db, ref)).toMatchObject({ status: 'success', response_received: 'Done.' });
  });

  test('a run whose time is over ends as a timeout', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await prompt(id, ref);
    await restart({ scheduleTimeoutMs: 1, catchUpMs: 1 });
    expect(await untilEnded(shared.db, ref)).toMatchObject({ status: 'timeout' });
  });

  test('a run whose time is over still gets what its agent has answered meanwhile', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    await prompt(id, ref);
    await restart({ scheduleTimeoutMs: 1 });
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', response_received: 'Done.' });
  });

  test('the turn of a run that was deleted just before is interrupted', async () => {
    const { id } = await crew.createRunningTeam();
    const ref = scheduleRun(shared.db, id);
    crew.crew.runs.follow(ref);
    const message = await prompt(id, ref);
    bus(id).setConnected(false);
    const { trigger } = stored(shared.db, ref);
    crew.crew.runs.cancel('schedule', trigger.id, 'The schedule was deleted.');
    shared.db.schedules.delete(trigger.id);
    await crew[Symbol.asyncDispose]();
    bus(id).setConnected(true);
    crew = startTestCrew(shared);
    crew.crew.start();
    await waitFor('the interruption', () => interruptions(id).length > 0);
    expect(interruptions(id)[0]).toMatchObject({ agent: 'Lead', request: { message_id: message.message_id } });
  });

  test('a run deploys a team whose stop is being finished', async () => {
    const { id } = crew.createTeam();
    shared.db.teams.setStatus(id, 'deploying', '');
    shared.db.teams.update(id, { stop_requested_at: new Date() });
    const ref = scheduleRun(shared.db, id);
    const looks = vi.spyOn(shared.db.teams, 'get');
    crew.crew.runs.follow(ref);
    await waitFor('the run to have looked twice', () => looks.mock.calls.length >= 2);
    await crew.crew.reconciler.pass();
    expect(await answer(id, ref, { result: 'Done.' })).toMatchObject({ status: 'success', deployed_team: true });
  });
});

test('a trigger that is deleted ends its runs and their turns', async () => {
  const { id } = crew.createTeam();
  const ref = scheduleRun(shared.db, id);
  crew.crew.runs.follow(ref);
  const message = await prompt(id, ref);
  crew.crew.runs.cancel('schedule', stored(shared.db, ref).trigger.id, 'The schedule was deleted.');
  expect(stored(shared.db, ref)).toMatchObject({ status: 'failed', error: 'The schedule was deleted.' });
  await waitFor('the interruption', () =>
    bus(id).requests.some(({ request }) => 'message_id' in request && request.message_id === message.message_id),
  );
  await crew.until(id, 'stopped');
});

test('who waits for the end gets it, or the end of the server', async () => {
  const { id } = await crew.createRunningTeam();
  const [first, second] = [webhookRun(shared.db, id, 'one'), webhookRun(shared.db, id, 'two')];
  for (const ref of [first, second]) crew.crew.runs.follow(ref);
  const never = new AbortController().signal;
  const [ends, cut] = [crew.crew.runs.ended(first, never), crew.crew.runs.ended(second, never)];
  const gone = crew.crew.runs.ended(second, AbortSignal.timeout(1));
  await expect(gone).rejects.toThrow();
  await answer(id, first, { result: 'Done.' });
  expect(await ends).toMatchObject({ status: 'success' });
  const refusal = expect(cut).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await crew.crew.runs.close();
  await refusal;
});
