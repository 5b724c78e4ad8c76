import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentActivity, ApprovalAnswer, Envelope } from '@agentcrew/protocol';
import { approvalDecisionId, approvalDecisionPayloadSchema, approvalRequestPayloadSchema } from '@agentcrew/protocol';
import { latch, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApprovalBroker } from '../src/approvals/broker.ts';
import type { Asked } from '../src/approvals/request.ts';

type Ids = Pick<Envelope, 'message_id' | 'ref_message_id'>;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  vi.useRealTimers();
  await folder[Symbol.asyncDispose]();
});

function setUp(stored: Promise<void> = Promise.resolve()) {
  const told: { type: string; payload: Envelope['payload']; ids: Ids }[] = [];
  const statuses: AgentActivity[] = ['working'];
  const voice = {
    get status() {
      return statuses.at(-1) ?? 'working';
    },
    tellStatus: (activity: AgentActivity) => void statuses.push(activity),
    tellApproval: async (type: string, payload: Envelope['payload'], ids: Ids) => {
      told.push({ type, payload, ids });
      await stored;
    },
  };
  const broker = new ApprovalBroker({ stateFolder: folder.path, voice, currentMessageId: () => 'm1' });
  const ids = () => told.filter(({ type }) => type === 'approval_request').map(({ ids: { message_id } }) => message_id);
  const ends = () => told.filter(({ type }) => type === 'approval_decision').map(({ payload }) => payload.status);
  return { broker, told, statuses, ids, ends };
}

function asked(values: Partial<Asked> = {}): Asked {
  return { tool: 'Bash', input: { command: 'npm test' }, reason: 'npm test', timeoutSeconds: 60, ...values };
}

function answer(id: string | undefined, values: Partial<ApprovalAnswer> = {}): ApprovalAnswer {
  return { approval_id: id ?? '', decision: 'allow', scope: 'once', ...values };
}

const never = new AbortController().signal;

test('asks, waits, and tells the answer, each in the form of the protocol', async () => {
  const { broker, told, statuses, ids } = setUp();
  const outcome = broker.ask(asked(), never);
  const [request] = told;
  expect(approvalRequestPayloadSchema.parse(request?.payload)).toMatchObject({
    type: 'tool',
    tool: 'Bash',
    input: { command: 'npm test' },
    reason: 'npm test',
  });
  expect(request?.ids).toEqual({ message_id: request?.payload.approval_id, ref_message_id: 'm1' });
  expect(broker.answer(answer(ids()[0], { scope: 'session', message: 'go on' }))).toBe(true);
  expect(await outcome).toEqual({ status: 'allowed', scope: 'session' });
  expect(approvalDecisionPayloadSchema.parse(told[1]?.payload)).toMatchObject({ status: 'allowed', message: 'go on' });
  expect(told[1]?.ids).toEqual({ message_id: approvalDecisionId(ids()[0] ?? ''), ref_message_id: ids()[0] });
  expect(statuses).toEqual(['working', 'waiting_for_approval', 'working']);
});

test('an answer may come twice, but neither be changed nor go to a stranger', async () => {
  const { broker, ids, ends } = setUp();
  const outcome = broker.ask(asked(), never);
  expect(broker.answer(answer('00000000-0000-4000-8000-000000000000'))).toBe(false);
  expect(broker.answer(answer(ids()[0], { decision: 'deny', message: 'too early' }))).toBe(true);
  expect(broker.answer(answer(ids()[0], { decision: 'deny' }))).toBe(true);
  expect(broker.answer(answer(ids()[0]))).toBe(false);
  expect(await outcome).toEqual({ status: 'denied', message: 'a person said no: too early' });
  expect(ends()).toEqual(['denied']);
});

test('without an answer the call is denied in time', async () => {
  vi.useFakeTimers();
  const { broker, ids, ends } = setUp();
  const outcome = broker.ask(asked({ timeoutSeconds: 604_800 }), never);
  vi.advanceTimersByTime(604_799_000);
  expect(ends()).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(await outcome).toMatchObject({ status: 'expired' });
  expect(broker.answer(answer(ids()[0]))).toBe(false);
  expect(ends()).toEqual(['expired']);
});

test('the CLI that does not wait any more cancels, once', async () => {
  const { broker, ids, ends, statuses } = setUp();
  const turn = new AbortController();
  const outcomes = [broker.ask(asked(), turn.signal), broker.ask(asked({ tool: 'Write' }), never)];
  turn.abort();
  expect(await outcomes[0]).toMatchObject({ status: 'cancelled' });
  expect(statuses.at(-1)).toBe('waiting_for_approval');
  broker.answer(answer(ids()[1]));
  expect(ends()).toEqual(['cancelled', 'allowed']);
  expect(statuses.at(-1)).toBe('working');
  expect(await broker.ask(asked(), turn.signal)).toMatchObject({ status: 'cancelled' });
  expect(ids()).toHaveLength(2);
});

test('a process that ends cancels what is open, and answers nobody', async () => {
  const { broker, ids, ends, statuses } = setUp();
  const settled = vi.fn();
  void broker.ask(asked(), never).then(settled);
  statuses.push('stopping');
  broker.close();
  expect(ends()).toEqual(['cancelled']);
  expect(broker.answer(answer(ids()[0]))).toBe(false);
  void broker.ask(asked(), never).then(settled);
  await Promise.resolve();
  expect(settled).not.toHaveBeenCalled();
  expect(statuses.at(-1)).toBe('stopping');
});

test('a process that was killed leaves its open questions to the next one', async () => {
  const first = setUp();
  void first.broker.ask(asked(), never);
  void first.broker.ask(asked(), never);
  first.broker.answer(answer(first.ids()[1]));
  const idsLeft = () => JSON.parse(readFileSync(join(folder.path, 'approvals.json'), 'utf8'));
  await waitFor('the second to be stored', () => idsLeft().length === 1);

  const second = setUp();
  expect(second.told.map(({ payload }) => payload)).toEqual([
    { approval_id: first.ids()[0], status: 'cancelled', message: 'The agent was restarted.' },
  ]);
  await waitFor('that to be stored', () => idsLeft().length === 0);
  expect(setUp().told).toEqual([]);
});

test('an end that was not stored is told again by the next process', async () => {
  const stuck = latch();
  const first = setUp(stuck.promise);
  void first.broker.ask(asked(), never);
  first.broker.answer(answer(first.ids()[0]));
  expect(setUp().ends()).toEqual(['cancelled']);
});

test('what is open is asked again, under the same id', async () => {
  const { broker, told, ids } = setUp();
  for (const tool of ['Write', 'Edit']) void broker.ask(asked({ tool }), never);
  broker.answer(answer(ids()[0]));
  const [, open] = told.filter(({ type }) => type === 'approval_request');
  broker.repeat();
  expect(told.at(-1)).toEqual(open);
  expect(ids()).toHaveLength(3);
  broker.close();
});

test('answers are added to questions; other input is replaced', async () => {
  const { broker, told, ids } = setUp();
  const input = { questions: [{ question: 'Which?', header: 'H', options: [{ label: 'A' }], multiSelect: false }] };
  const question = broker.ask(asked({ tool: 'AskUserQuestion', input }), never);
  expect(approvalRequestPayloadSchema.parse(told[0]?.payload)).toMatchObject({
    type: 'question',
    questions: [{ question: 'Which?', options: [{ label: 'A' }] }],
  });
  broker.answer(answer(ids()[0], { updated_input: { answers: { 'Which?': 'A' } } }));
  expect(await question).toMatchObject({ updatedInput: { ...input, answers: { 'Which?': 'A' } } });
  const call = broker.ask(asked(), never);
  broker.answer(answer(ids()[1], { updated_input: { command: 'npm t' } }));
  expect(await call).toMatchObject({ updatedInput: { command: 'npm t' } });
});

test('what a person could not see whole is denied, and so is more than anybody can answer', async () => {
  const { broker, ids } = setUp();
  const large = asked({ input: { command: 'x'.repeat(300_000) } });
  expect(await broker.ask(large, never)).toMatchObject({ status: 'denied' });
  for (let count = 0; count < 100; count += 1) void broker.ask(asked(), never);
  expect(await broker.ask(asked(), never)).toMatchObject({ status: 'denied' });
  expect(ids()).toHaveLength(100);
  broker.close();
});
