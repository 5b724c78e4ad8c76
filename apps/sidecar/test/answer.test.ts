import { agentLimitsSchema } from '@agentcrew/protocol';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Waiting } from '../src/approvals/waiting.ts';
import { Cli } from '../src/cli.ts';
import { CliEvents } from '../src/cli-events.ts';
import { Ledger, type TurnRecord } from '../src/ledger.ts';
import { Session } from '../src/session.ts';
import { Answerer } from '../src/turns/answer.ts';
import type { Past } from '../src/turns/resume.ts';
import { TurnEnd } from '../src/turns/turn-end.ts';
import { FakeClaude, silent } from './fakes.ts';

async function setUp(options: { past?: (uuid: string) => Past; failStarts?: number; maxAttempts?: number } = {}) {
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
  const answerer = new Answerer({
    cli,
    ledger,
    session,
    events: new CliEvents(),
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
