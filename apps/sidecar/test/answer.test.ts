import type { ClaudeEvent } from '@agentcrew/claude';
import { agentLimitsSchema, type BudgetState, nothingSpent, noUsage } from '@agentcrew/protocol';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Waiting } from '../src/approvals/waiting.ts';
import { Spending } from '../src/budget/spending.ts';
import { TurnBudget } from '../src/budget/turn-budget.ts';
import { Cli } from '../src/cli.ts';
import { CliEvents } from '../src/cli-events.ts';
import { Ledger, type TurnRecord } from '../src/ledger.ts';
import { Session } from '../src/session.ts';
import { Answerer } from '../src/turns/answer.ts';
import type { Past } from '../src/turns/resume.ts';
import { TurnEnd } from '../src/turns/turn-end.ts';
import { FakeClaude, silent } from './fakes.ts';

interface SetUpOptions {
  past?: (uuid: string) => Past;
  failStarts?: number;
  maxAttempts?: number;
  budget?: BudgetState;
}

async function setUp(options: SetUpOptions = {}) {
  const folder = await temporaryFolder();
  const session = new Session(folder.path);
  const ledger = new Ledger(folder.path);
  const clis: FakeClaude[] = [];
  let failStarts = options.failStarts ?? 0;
  const start = async () => {
    if (failStarts-- > 0) throw new Error('no such program');
    const claude = new FakeClaude();
    clis.push(claude);
    return claude;
  };
  const cli = new Cli({ check: async () => {}, start, idleParkMs: 60_000, onState: () => {}, log: silent });
  const stop = new AbortController();
  const spending = new Spending({ stateFolder: folder.path, agentName: 'Lead', told: options.budget });
  const events = new CliEvents();
  const waits: (string | undefined)[] = [];
  const answerer = new Answerer({
    cli,
    budget: new TurnBudget({ spending, onSpent: () => {}, log: silent }),
    onRateLimit: (until) => waits.push(until),
    ledger,
    session,
    events,
    limits: agentLimitsSchema.parse({ max_attempts: options.maxAttempts ?? 10 }),
    waiting: new Waiting(),
    readPast: async (_session, uuid) => options.past?.(uuid) ?? { recorded: false },
    stop: stop.signal,
    log: silent,
  });
  const record: TurnRecord = {
    message_id: 'm1',
    uuids: [],
    session_id: session.id,
    attempt: 0,
    ack_subject: 'ack.m1',
    started_at: new Date().toISOString(),
  };
  const end = new TurnEnd();
  return {
    ledger,
    session,
    stop,
    record,
    end,
    answer: () => answerer.answer({ record, text: 'do it', end }),
    cli: (index: number) => waitFor(`CLI ${index} to have a turn`, () => clis[index]?.turns[0] && clis[index]),
    clis,
    events,
    waits,
    async [Symbol.asyncDispose]() {
      await cli.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a new message is written down before Claude gets it, and answered', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  const [turn] = claude.turns;
  expect(turn?.content).toBe('do it');
  expect(scene.ledger.turn()).toMatchObject({ message_id: 'm1', attempt: 1, uuids: [turn?.uuid] });
  claude.finish({ text: 'did it' });
  expect(await reply).toMatchObject({ status: 'completed', result: 'did it' });
});

test('a CLI that dies in the turn is replaced, and Claude is told that it goes on', async () => {
  await using scene = await setUp({ past: () => ({ recorded: true }) });
  const reply = scene.answer();
  (await scene.cli(0)).die();
  const second = await scene.cli(1);
  expect(second.turns[0]?.content).toEqual([expect.stringContaining('interrupted by a restart'), 'do it']);
  expect(scene.ledger.turn()).toMatchObject({ attempt: 2 });
  expect(scene.ledger.turn()?.uuids).toHaveLength(2);
  second.finish();
  expect(await reply).toMatchObject({ status: 'completed' });
});

test('a message that Claude never got is sent as it was', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  (await scene.cli(0)).die();
  const second = await scene.cli(1);
  expect(second.turns[0]?.content).toBe('do it');
  second.finish();
  await reply;
});

test('an answer that is in the transcript already is not asked for again', async () => {
  await using scene = await setUp({
    past: (uuid) => ({ recorded: uuid === 'u1', ...(uuid === 'u1' && { answer: 'was done' }) }),
  });
  Object.assign(scene.record, { uuids: ['u1', 'u2'], attempt: 2 });
  expect(await scene.answer()).toMatchObject({ status: 'completed', result: 'was done', session_id: scene.session.id });
  expect(scene.clis).toEqual([]);
});

test('in a new session Claude is not told of things it does not know', async () => {
  await using scene = await setUp({ past: () => ({ recorded: true }) });
  Object.assign(scene.record, { uuids: ['u1'], attempt: 1, session_id: 'the one before' });
  const reply = scene.answer();
  const claude = await scene.cli(0);
  expect(claude.turns[0]?.content).toBe('do it');
  expect(scene.ledger.turn()).toMatchObject({ session_id: scene.session.id, uuids: [claude.turns[0]?.uuid] });
  claude.finish();
  await reply;
});

test('after too many attempts the reply says so', async () => {
  await using scene = await setUp({ maxAttempts: 2, failStarts: 1 });
  const reply = scene.answer();
  (await scene.cli(0)).die();
  expect(await reply).toMatchObject({
    status: 'failed',
    code: 'AGENT_FAILED',
    error: expect.stringContaining('2 times'),
  });
});

test('a turn whose end is wanted is interrupted', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.end.want({ status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'stop it' });
  await waitFor('the interrupt', () => claude.interrupts > 0);
  claude.finish({ outcome: 'interrupted', text: '' });
  expect(await reply).toMatchObject({ status: 'interrupted', error: 'stop it', cost_usd: 0.5 });
  expect(claude.disposed).toBe(false);
});

test('an end wanted before the turn began spares Claude the message', async () => {
  await using scene = await setUp();
  scene.end.want({ status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'stop it' });
  expect(await scene.answer()).toMatchObject({ status: 'interrupted' });
  expect(scene.clis).toEqual([]);
});

test('a CLI that does not obey is ended, and the turn still answered', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.end.want({ status: 'failed', code: 'TURN_TIMEOUT', error: 'too long' });
  expect(await reply).toMatchObject({ status: 'failed', code: 'TURN_TIMEOUT' });
  expect(claude.interrupts).toBeGreaterThan(1);
  expect(claude.disposed).toBe(true);
});

test('a CLI that dies of the interrupt does not get the message again', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.end.want({ status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'stop it' });
  claude.die();
  expect(await reply).toMatchObject({ status: 'interrupted', error: 'stop it' });
  expect(scene.clis).toHaveLength(1);
});

test('when the process ends the turn stays for the next one', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.stop.abort(new Error('the agent is shutting down'));
  claude.die();
  await expect(reply).rejects.toThrow('shutting down');
  expect(scene.ledger.turn()).toMatchObject({ message_id: 'm1' });
});

const spend = (output_tokens: number): ClaudeEvent => ({
  type: 'stream',
  event: { type: 'message_delta', usage: { input_tokens: 0, output_tokens } },
});

test.each([
  ['tokens', { tokens: 100 }, 0, /150 of 100 tokens/],
  ['dollars', { usd: 0.5 }, 0.51, /\$0\.5100 of \$0\.5/],
])('a turn that passes its budget of %s is interrupted, and the reply says so', async (_unit, agent, cost, words) => {
  await using scene = await setUp({ budget: { agent, spent: nothingSpent, others: nothingSpent } });
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.events.emit(spend(50));
  claude.cost = cost;
  scene.events.emit(spend(100));
  await waitFor('the interrupt', () => claude.interrupts > 0);
  claude.finish({ outcome: 'interrupted' });
  expect(await reply).toMatchObject({ status: 'failed', code: 'BUDGET_EXCEEDED', error: expect.stringMatching(words) });
});

test('what attempts cost that ended without the reply counts, for the budget and in the reply', async () => {
  const agent = { tokens: 350 };
  await using scene = await setUp({ budget: { agent, spent: nothingSpent, others: nothingSpent } });
  const reply = scene.answer();
  const first = await scene.cli(0);
  scene.events.emit(spend(100));
  first.die();
  const second = await scene.cli(1);
  scene.events.emit({ type: 'rate_limit', resetsAt: Date.now() + 100 });
  const usage = { ...noUsage, output_tokens: 200 };
  second.finish({ outcome: 'failed', apiStatus: 429, text: 'limit', usage, costUsd: 0.2 });
  const third = await scene.cli(2);
  scene.events.emit(spend(60));
  await waitFor('the interrupt', () => third.interrupts > 0);
  third.finish({ outcome: 'interrupted', usage: { ...noUsage, output_tokens: 60 }, costUsd: 0.1 });
  const { cost_usd, ...payload } = await reply;
  expect(payload).toMatchObject({
    code: 'BUDGET_EXCEEDED',
    error: expect.stringContaining('360 of 350 tokens'),
    usage: { ...noUsage, output_tokens: 360 },
  });
  expect(cost_usd).toBeCloseTo(0.3);
});

test('what a turn cost that never had a reply of Claude is in the failure', async () => {
  await using scene = await setUp({ maxAttempts: 1 });
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.events.emit(spend(100));
  claude.die();
  expect(await reply).toMatchObject({ code: 'AGENT_FAILED', usage: { ...noUsage, output_tokens: 100 } });
});

test("a turn that meets the account's limit waits until it is over, and goes on", async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const first = await scene.cli(0);
  const resetsAt = Date.now() + 100;
  scene.events.emit({ type: 'rate_limit', resetsAt });
  first.finish({ outcome: 'failed', apiStatus: 429, text: 'limit' });
  const second = await scene.cli(1);
  expect(Date.now()).toBeGreaterThan(resetsAt);
  expect(scene.waits).toEqual([new Date(resetsAt).toISOString(), undefined]);
  expect(first.disposed).toBe(true);
  second.finish({ text: 'done at last' });
  expect(await reply).toMatchObject({ status: 'completed', result: 'done at last' });
  expect(scene.record.attempt).toBe(1);
});

test('a limit that lasts for days is a failure', async () => {
  await using scene = await setUp();
  const reply = scene.answer();
  const claude = await scene.cli(0);
  scene.events.emit({ type: 'rate_limit', resetsAt: Date.now() + 48 * 3_600_000 });
  claude.finish({ outcome: 'failed', apiStatus: 429, text: 'limit' });
  expect(await reply).toMatchObject({ status: 'failed', code: 'RATE_LIMITED' });
});
