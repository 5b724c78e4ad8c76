import type { ApprovalDecision, ApprovalRow } from '@agentcrew/models';
import { CrewError, type Envelope } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { approvalEnd, approvalRequest, question } from '../support/approvals.ts';
import type { FakeBus } from '../support/fake-bus.ts';
import { startTestCrew, type TestCrew } from '../support/test-crew.ts';

let crew: TestCrew;
let id: string;
let bus: FakeBus;
beforeEach(async () => {
  crew = startTestCrew();
  const team = await crew.createRunningTeam();
  id = team.id;
  bus = crew.buses.of(team.slug);
});
afterEach(async () => {
  vi.useRealTimers();
  await crew[Symbol.asyncDispose]();
});

const allowed: ApprovalDecision = { status: 'allowed', scope: 'once', message: '', updated_input: null };

async function say(envelope: Envelope, kind: 'approval' | 'activity' | 'agent' = 'approval') {
  const settled = await bus.deliver(envelope, { kind });
  await settled.done;
  return settled;
}

async function asked(request = approvalRequest()): Promise<{ request: Envelope; row: ApprovalRow }> {
  await say(request);
  return { request, row: now(request.message_id) };
}

function now(approvalId: string): ApprovalRow {
  const row = crew.db.approvals.get(id, approvalId);
  if (!row) throw new Error('no approval');
  return row;
}

const decide = (row: ApprovalRow, decision = allowed) => crew.crew.approvals.decide(row, decision);
const log = () =>
  crew.messages(id).map(({ message_type, from_agent, payload }) => [message_type, from_agent, payload.status]);
const ended = (from: string, status: string) => ['approval_decision', from, status];
const aQuestion = ['approval_request', 'Lead', undefined];
const nobody = { ok: false, code: 'APPROVAL_NOT_FOUND', error: 'nobody' };

describe('what an agent asks', () => {
  test('is a message and an approval, once', async () => {
    const { request, row } = await asked();
    expect(row).toMatchObject({ agent: 'Lead', message_id: 'm1', type: 'tool', tool: 'Bash', status: 'pending' });
    await say(request);
    expect(log()).toEqual([aQuestion]);
  });

  test('is a question with its options', async () => {
    const { row } = await asked(question());
    expect(row).toMatchObject({ type: 'question', questions: [{ question: 'Which colour?' }] });
  });

  test.each([
    ['unreadable', () => approvalRequest({ approval_id: 'x' }), 'approval'],
    ['on another subject', () => approvalRequest(), 'activity'],
    ['on the subject of another agent', () => approvalRequest({}, { from: 'Worker' }), 'agent'],
    ['an unreadable end', () => approvalEnd(approvalRequest(), 'pending' as 'expired'), 'approval'],
  ] as const)('is refused when it is %s', async (_what, make, kind) => {
    expect(await say(make(), kind)).toMatchObject({ how: 'term' });
    expect(log()).toEqual([]);
  });
});

describe('what a person decides', () => {
  test('is stored, announced and handed to the agent', async () => {
    const { row } = await asked();
    const decision = { ...allowed, message: 'fine', updated_input: { command: 'npm t' } };
    expect(await decide(row, decision)).toMatchObject({ status: 'allowed', delivered_at: expect.any(Date) });
    expect(bus.requests).toEqual([
      {
        agent: 'Lead',
        request: {
          type: 'approval',
          approval_id: row.id,
          decision: 'allow',
          scope: 'once',
          message: 'fine',
          updated_input: { command: 'npm t' },
        },
      },
    ]);
    expect(log()).toEqual([aQuestion, ended('user', 'allowed')]);
  });

  test('is final', async () => {
    const { request, row } = await asked();
    await decide(row, { ...allowed, status: 'denied' });
    await expect(decide(row)).rejects.toMatchObject({ code: 'APPROVAL_DECIDED', details: { status: 'denied' } });
    await say(approvalEnd(request, 'denied'));
    expect(log()).toEqual([aQuestion, ended('user', 'denied')]);
  });

  test('comes too late when the time is over', async () => {
    const { row } = await asked(approvalRequest({ expires_at: new Date(Date.now() - 1).toISOString() }));
    await expect(decide(row)).rejects.toMatchObject({ code: 'APPROVAL_DECIDED', details: { status: 'expired' } });
    expect(bus.requests).toEqual([]);
  });

  test('reaches an agent that could not be reached: by the next kick', async () => {
    const { row } = await asked();
    let answers = 0;
    bus.answer = () => {
      answers += 1;
      if (answers === 1) throw new CrewError('AGENT_NOT_READY', 'restarting');
      return answers === 2 ? { ok: false, error: 'the disk is full' } : { ok: true };
    };
    expect(await decide(row)).toMatchObject({ status: 'allowed', delivered_at: null });
    for (let kicks = 0; kicks < 2; kicks += 1) {
      crew.crew.approvals.kick(id);
      await crew.crew.approvals.idle();
    }
    expect(now(row.id).delivered_at).toEqual(expect.any(Date));
    crew.crew.approvals.kick(id);
    await crew.crew.approvals.idle();
    expect(answers).toBe(3);
  });

  test('reaches an agent when the bus comes back', async () => {
    const { row } = await asked();
    bus.setConnected(false);
    expect(await decide(row)).toMatchObject({ delivered_at: null });
    bus.setConnected(true);
    await waitFor('the delivery', () => now(row.id).delivered_at !== null);
  });

  test('is handed over by a later pass, or by the next server', async () => {
    const { row } = await asked();
    bus.setConnected(false);
    await decide(row);
    await using next = startTestCrew({ db: crew.db, runtime: crew.runtime, buses: crew.buses });
    const connecting = next.crew.reconciler.pass();
    bus.setConnected(true);
    await connecting;
    await waitFor('the delivery', () => now(row.id).delivered_at !== null);
  });

  test('is taken back, for all to see, when nobody waits for it', async () => {
    const { row } = await asked();
    bus.answer = () => nobody;
    expect(await decide(row)).toMatchObject({ status: 'cancelled', message: expect.stringContaining('Nobody') });
    expect(log()).toEqual([aQuestion, ended('user', 'allowed'), ended('system', 'cancelled')]);
  });

  test('is taken back when the agent says how it really ended', async () => {
    const { request, row } = await asked();
    bus.setConnected(false);
    await decide(row);
    await say(approvalEnd(request, 'expired'));
    expect(now(row.id)).toMatchObject({ status: 'expired', message: 'it was expired' });
    expect(log()).toEqual([aQuestion, ended('user', 'allowed'), ended('system', 'expired')]);
  });

  test('for always is written to the permissions of that agent', async () => {
    const always = { ...allowed, scope: 'always' } as const;
    const permissions = () => crew.agents(id).map((agent) => agent.permissions);
    await decide((await asked()).row, always);
    expect(permissions()).toEqual([{ approved_commands: ['npm test'] }, null]);
    await decide((await asked()).row, { ...always, updated_input: { command: 'npm t' } });
    await decide((await asked(approvalRequest({ tool: 'Write', input: {} }))).row, always);
    await decide((await asked()).row, always);
    expect(permissions()[0]).toEqual({ approved_commands: ['npm test', 'npm t'], approved_tools: ['Write'] });
    await decide((await asked(question())).row, always);
    await decide((await asked(approvalRequest({ input: { command: 'x' } }))).row, { ...always, status: 'denied' });
    expect(permissions()[0]).toEqual({ approved_commands: ['npm test', 'npm t'], approved_tools: ['Write'] });
  });

  test('for always keeps the other permissions, and at most 500', async () => {
    const [lead] = crew.agents(id);
    if (!lead) throw new Error('no agent');
    const commands = Array.from({ length: 500 }, (_, index) => `echo ${index}`);
    crew.db.agents.update(lead.id, { permissions: { allowed_tools: ['Bash'], approved_commands: commands } });
    await decide((await asked()).row, { ...allowed, scope: 'always' });
    expect(crew.agents(id)[0]?.permissions).toEqual({
      allowed_tools: ['Bash'],
      approved_commands: [...commands.slice(1), 'npm test'],
    });
  });
});

describe('an approval ends without a person', () => {
  test('when its agent says so, but no other', async () => {
    const { request, row } = await asked();
    await say(approvalEnd(request, 'cancelled', { from: 'Worker' }));
    expect(now(row.id).status).toBe('pending');
    const other = await asked();
    await say(approvalEnd(other.request, 'expired'));
    expect(now(other.row.id)).toMatchObject({ status: 'expired', message: 'it was expired' });
  });

  test('when the team stops; a decision that was not handed over is taken back', async () => {
    const [first, second] = [await asked(), await asked()];
    bus.onRequest = ({ type }) => {
      if (type === 'approval') throw new CrewError('AGENT_NOT_READY', 'gone');
    };
    await decide(first.row);
    await crew.crew.deployer.stop(crew.team(id));
    expect([now(first.row.id).status, now(second.row.id).status]).toEqual(['cancelled', 'cancelled']);
    const { approval_id, status } = crew.messages(id).at(-1)?.payload ?? {};
    expect({ approval_id, status }).toEqual({ approval_id: second.row.id, status: 'cancelled' });
    await expect(decide(second.row)).rejects.toMatchObject({ code: 'APPROVAL_DECIDED' });
  });

  test('when its time is long over and its agent says nothing', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { row } = await asked();
    vi.setSystemTime(Date.now() + 3_630_000);
    await crew.crew.reconciler.pass();
    expect(now(row.id).status).toBe('pending');
    vi.setSystemTime(Date.now() + 60_000);
    await crew.crew.reconciler.pass();
    expect(now(row.id).status).toBe('expired');
    expect(log()).toEqual([aQuestion, ended('system', 'expired')]);
  });
});
