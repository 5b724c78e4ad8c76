import { nothingSpent, noUsage, replyIdFor } from '@agentcrew/protocol';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Spending } from '../src/budget/spending.ts';
import { Cli } from '../src/cli.ts';
import { SharedContext } from '../src/crew/shared-context.ts';
import { Ledger } from '../src/ledger.ts';
import { Outbox } from '../src/outbox.ts';
import { createRedactor } from '../src/redactor.ts';
import { Session } from '../src/session.ts';
import type { Answerer, Turn } from '../src/turns/answer.ts';
import { TurnLoop } from '../src/turns/loop.ts';
import { Voice } from '../src/voice.ts';
import { FakeBus, FakeClaude, message, silent, spec } from './fakes.ts';

async function setUp(
  work: (turn: Turn) => ReturnType<Answerer['answer']> = async () => ({ status: 'completed', result: 'done' }),
) {
  const folder = await temporaryFolder();
  const fake = new FakeBus();
  const stop = new AbortController();
  const ended: string[] = [];
  const ledger = new Ledger(folder.path);
  const secrets = { anthropic_api_key: 'sk-canary-"1234"' };
  const outbox = new Outbox({ agent: 'lead', log: silent });
  outbox.open(fake.bus);
  const turns: Turn[] = [];
  const answer = (turn: Turn) => {
    turns.push(turn);
    return work(turn);
  };
  const cli = new Cli({
    check: async () => {},
    start: async () => new FakeClaude(),
    idleParkMs: 60_000,
    onState: () => {},
    log: silent,
  });
  const spending = new Spending({ stateFolder: folder.path, agentName: 'Lead', told: undefined });
  const loop = new TurnLoop({
    spec: spec(),
    bus: fake.bus,
    cli,
    session: new Session(folder.path),
    ledger,
    answerer: { answer } as Answerer,
    spending,
    contexts: new SharedContext(folder.path),
    voice: new Voice(spec(), createRedactor(secrets), outbox),
    onTurnEnd: (messageId) => void ended.push(messageId),
    stop: stop.signal,
    log: silent,
  });
  const intake = new AbortController();
  const running = loop.run(intake.signal);
  return {
    ended,
    fake,
    ledger,
    loop,
    spending,
    stop,
    turns,
    folder: folder.path,
    replies: () => fake.published.filter(({ kind }) => kind === 'reply').map(({ envelope }) => envelope),
    async [Symbol.asyncDispose]() {
      intake.abort();
      stop.abort(new Error('the end of the test'));
      await running;
      await cli.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('what belongs to a message ends with its reply, also where there is no turn for it', async () => {
  await using scene = await setUp();
  await scene.fake.deliver(message('worked'));
  scene.spending.tell({ agent: { turns: 1 }, spent: { ...nothingSpent, turns: 1 }, others: nothingSpent });
  await scene.fake.deliver(message('refused'));
  expect(scene.replies().at(-1)?.payload).toMatchObject({ code: 'BUDGET_EXCEEDED' });
  await scene.fake.deliver(message('worked'));
  expect(scene.ended).toEqual(['worked', 'refused', 'worked']);
});

test('a message is answered, settled and forgotten', async () => {
  await using scene = await setUp();
  expect(await scene.fake.deliver(message('m1', { from: 'boss' }))).toBe('ack');
  const [reply] = scene.replies();
  expect(reply).toMatchObject({
    message_id: replyIdFor('m1'),
    ref_message_id: 'm1',
    from: 'lead',
    to: 'boss',
    type: 'leader_response',
    payload: { status: 'completed', result: 'done' },
  });
  expect(scene.ledger.turn()).toBeUndefined();
  const statuses = scene.fake.published
    .filter(({ kind }) => kind === 'status')
    .map(({ envelope }) => envelope.payload.activity);
  expect(statuses).toEqual(['working', 'idle']);
});

test('a task is answered with a result', async () => {
  await using scene = await setUp();
  await scene.fake.deliver(message('m1', { type: 'task_assignment' }));
  expect(scene.replies()[0]?.type).toBe('task_result');
});

test('a message that has its reply gets the same again, without a turn', async () => {
  await using scene = await setUp();
  await scene.fake.deliver(message('m1'));
  expect(await scene.fake.deliver(message('m1'))).toBe('ack');
  expect(scene.turns).toHaveLength(1);
  const [first, second] = scene.replies();
  expect(second).toEqual(first);
});

test('the reply is kept before it is published, and the message not settled until it is stored', async () => {
  await using scene = await setUp(async () => ({ status: 'completed', result: 'done' }));
  scene.fake.down = true;
  let settled: string | undefined;
  const delivered = scene.fake.deliver(message('m1')).then((how) => {
    settled = how;
  });
  await waitFor('the kept reply', () => scene.ledger.reply('m1'));
  expect(settled).toBeUndefined();
  scene.fake.comeBack();
  await delivered;
  expect(settled).toBe('ack');
});

test('a process that ends leaves the message to the next one', async () => {
  await using scene = await setUp((turn) => turn.end.wanted.then(() => Promise.reject(new Error('stopped'))));
  const delivered = scene.fake.deliver(message('m1'));
  await waitFor('the turn', () => scene.turns[0]);
  scene.stop.abort(new Error('stopped'));
  scene.turns[0]?.end.want({ status: 'failed', code: 'TURN_FAILED', error: '' });
  expect(await delivered).toBeUndefined();
  expect(scene.replies()).toEqual([]);
});

test('an interruption is written down for the case that the process dies before the reply', async () => {
  await using scene = await setUp(async (turn) => turn.end.wanted);
  const delivered = scene.fake.deliver(message('m1'));
  await waitFor('the turn', () => scene.turns[0]);
  expect(scene.loop.currentMessageId).toBe('m1');
  expect(scene.loop.interrupt('enough')).toBe(true);
  expect(scene.ledger.turn()?.end).toMatchObject({ status: 'interrupted', error: expect.stringContaining('enough') });
  expect(await delivered).toBe('ack');
  expect(scene.replies()[0]?.payload).toMatchObject({ status: 'interrupted', code: 'TURN_INTERRUPTED' });
  expect(scene.loop.interrupt()).toBe(false);
});

test('a turn that an earlier process was told to end is handed on with its end', async () => {
  await using scene = await setUp(async (turn) => turn.end.reason ?? { status: 'completed', result: 'ran' });
  const end = { status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'enough' } as const;
  const started_at = new Date().toISOString();
  const record = { message_id: 'm1', uuids: ['u1'], session_id: 's1', attempt: 1, ack_subject: 'old', started_at, end };
  scene.ledger.saveTurn(record);
  await scene.fake.deliver(message('m1'));
  expect(scene.turns[0]?.record).toEqual({ ...record, ack_subject: 'ack.m1' });
  expect(scene.replies()[0]?.payload).toEqual(end);
});

test('what is no work is not handed out again; what is unreadable work is answered', async () => {
  await using scene = await setUp();
  expect(await scene.fake.deliver(message('m1', { type: 'skill_status' }))).toBe('term');
  expect(await scene.fake.deliver(message('m2', { payload: { content: ' ' } }))).toBe('ack');
  expect(await scene.fake.deliver(message('m3', { payload: { content: 'x'.repeat(3_000_000) } }))).toBe('ack');
  expect(scene.turns).toEqual([]);
  expect(scene.replies().map(({ payload }) => payload.code)).toEqual(['INVALID_REQUEST', 'PAYLOAD_TOO_LARGE']);
});

test('files that came with a message are told before its text', async () => {
  await using scene = await setUp();
  const files = [
    { name: 'a "b"\n.txt', path: '/workspace/uploads/17_a_b_.txt', size: 5, type: 'text/plain' },
    { name: 'x', path: '/workspace/uploads/17_x', size: 0, type: 'application/octet-stream' },
  ];
  await scene.fake.deliver(message('m1', { payload: { content: 'look', files } }));
  await scene.fake.deliver(message('m2', { payload: { content: 'look', files: 'no list' } }));
  await scene.fake.deliver(message('m3', { type: 'question', payload: { content: 'look', files } }));
  expect(scene.turns.map(({ note }) => note)).toEqual([
    [
      'The user sent these files with the message below. They are in your workspace:',
      '- /workspace/uploads/17_a_b_.txt (5 bytes, text/plain, sent as "a \\"b\\"\\n.txt")',
      '- /workspace/uploads/17_x (0 bytes, application/octet-stream, sent as "x")',
    ].join('\n'),
    undefined,
    undefined,
  ]);
  expect(scene.turns[0]?.text).toBe('look');
});

test('no secret leaves in a reply, nor stays in the kept one', async () => {
  await using scene = await setUp(async () => ({ status: 'completed', result: 'the key is sk-canary-"1234", really' }));
  await scene.fake.deliver(message('m1'));
  expect(scene.replies()[0]?.payload.result).toBe('the key is [redacted], really');
  expect(scene.ledger.reply('m1')?.payload.result).toBe('the key is [redacted], really');
});

test('with its budget used up an agent answers with that, until it is raised', async () => {
  await using scene = await setUp(async () => ({
    status: 'completed',
    result: 'done',
    usage: noUsage,
    cost_usd: 0.3,
  }));
  const tell = (usd: number) => scene.spending.tell({ agent: { usd }, spent: nothingSpent, others: nothingSpent });
  tell(0.5);
  for (const id of ['m1', 'm2', 'm3']) await scene.fake.deliver(message(id));
  expect(scene.replies().map(({ payload }) => payload.code)).toEqual([undefined, undefined, 'BUDGET_EXCEEDED']);
  expect(scene.replies().at(-1)?.payload.error).toBe(
    'The budget of agent Lead is used up: $0.6000 of $0.5. Raise it, then send the message again.',
  );
  tell(1);
  await scene.fake.deliver(message('m4'));
  expect(scene.replies().at(-1)?.payload.result).toBe('done');
});
