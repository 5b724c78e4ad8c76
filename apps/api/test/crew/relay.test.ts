import { noUsage, replyIdFor } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FakeBus } from '../support/fake-bus.ts';
import { envelope } from '../support/rows.ts';
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
  vi.restoreAllMocks();
  await crew[Symbol.asyncDispose]();
});

async function deliver(...values: Parameters<FakeBus['deliver']>) {
  const settled = await bus.deliver(...values);
  await settled.done;
  return settled;
}

test('what an agent says is stored, told to listeners, and acknowledged', async () => {
  const heard: string[] = [];
  using _ = crew.crew.hub.subscribe(id, (row) => heard.push(row.message_id));
  const said = envelope({ type: 'activity_event', context: { thread_id: 't' }, payload: { action: 'reads' } });
  expect(await deliver(said, { kind: 'activity' })).toMatchObject({ how: 'ack' });
  expect(crew.messages(id)).toMatchObject([
    {
      message_id: said.message_id,
      from_agent: 'Lead',
      to_agent: 'user',
      message_type: 'activity_event',
      payload: { action: 'reads' },
    },
  ]);
  expect(heard).toEqual([said.message_id]);
});

test('a copy is acknowledged and ignored', async () => {
  const heard: number[] = [];
  using _ = crew.crew.hub.subscribe(id, ({ seq }) => heard.push(seq));
  const said = envelope();
  for (let n = 0; n < 3; n += 1) expect(await deliver(said, { kind: 'activity' })).toMatchObject({ how: 'ack' });
  expect(crew.messages(id)).toHaveLength(1);
  expect(heard).toHaveLength(1);
});

test('our own message coming back over the bus is a copy', async () => {
  crew.crew.acceptChat(id, 'hello');
  await waitFor('the message on the bus', () => bus.published.length === 1);
  const [sent] = bus.published;
  if (!sent) throw new Error('nothing sent');
  expect(await deliver(sent.envelope, { kind: 'agent', agent: 'Lead' })).toMatchObject({ how: 'ack' });
  expect(crew.messages(id)).toHaveLength(1);
});

test('the answer of a message is noted, and its cost counted once', async () => {
  const question = crew.crew.acceptChat(id, 'hello');
  const usage = { ...noUsage, input_tokens: 10, output_tokens: 5 };
  const answer = envelope({
    message_id: replyIdFor(question.message_id),
    type: 'leader_response',
    ref_message_id: question.message_id,
    payload: { status: 'completed', result: 'hi', usage, cost_usd: 0.25 },
  });
  await deliver(answer);
  await deliver(answer);
  expect(crew.db.messages.unanswered(id)).toEqual([]);
  expect(crew.team(id)).toMatchObject({ input_tokens: 10, output_tokens: 5, cost_usd: 0.25, turns: 1 });
  expect(crew.agents(id)[0]).toMatchObject({ input_tokens: 10, cost_usd: 0.25, turns: 1 });
  expect(crew.agents(id)[1]).toMatchObject({ turns: 0 });
});

test('an answer without usage, or with one that cannot be read, is stored all the same', async () => {
  for (const payload of [{ status: 'failed', error: 'no' }, { status: 'odd', usage: 'much' }, {}]) {
    expect(await deliver(envelope({ type: 'leader_response', payload }))).toMatchObject({ how: 'ack' });
  }
  expect(crew.messages(id)).toHaveLength(3);
  expect(crew.team(id)).toMatchObject({ turns: 0 });
});

test('a status is not stored', async () => {
  const said = envelope({ type: 'status_update', payload: { activity: 'idle' } });
  expect(await deliver(said, { kind: 'status' })).toMatchObject({ how: 'ack' });
  expect(crew.messages(id)).toEqual([]);
});

test.each(['reply', 'activity', 'approval'] as const)('nobody speaks for another on %s', async (kind) => {
  const settled = await deliver(envelope({ from: 'Lead' }), { kind, agent: 'Worker' });
  expect(settled).toMatchObject({ how: 'term', reason: expect.stringContaining('Lead') });
  expect(await deliver(envelope({ from: 'user' }), { kind, agent: 'Worker' })).toMatchObject({ how: 'term' });
  expect(crew.messages(id)).toEqual([]);
});

test('an agent that is no member any more may still say what it had to say', async () => {
  expect(await deliver(envelope({ from: 'Gone', type: 'task_result' }), { agent: 'Gone' })).toMatchObject({
    how: 'ack',
  });
  expect(crew.messages(id)).toHaveLength(1);
});

describe('while nothing can be stored', () => {
  test('a message is held, then stored when it can be', async () => {
    const { insert } = crew.db.messages;
    let broken = true;
    vi.spyOn(crew.db.messages, 'insert').mockImplementation((values) => {
      if (broken) throw new Error('disk full');
      return insert(values);
    });
    const settled = await bus.deliver(envelope(), { kind: 'activity' });
    await waitFor('two tries', () => settled.working >= 2);
    expect(settled.how).toBeUndefined();
    expect(crew.messages(id)).toEqual([]);
    broken = false;
    await settled.done;
    expect(settled.how).toBe('ack');
    expect(crew.messages(id)).toHaveLength(1);
  });

  test('the server can end, and has acknowledged nothing', async () => {
    vi.spyOn(crew.db.messages, 'insert').mockImplementation(() => {
      throw new Error('disk full');
    });
    const settled = await bus.deliver(envelope(), { kind: 'activity' });
    await waitFor('a try', () => settled.working >= 1);
    await crew.crew.buses.closeAndDelete(id);
    await expect(settled.done).rejects.toThrow();
    expect(settled.how).toBeUndefined();
  });
});
