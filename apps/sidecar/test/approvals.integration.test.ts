import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Crew } from './crew.ts';
import { useServices } from './services.ts';

const services = useServices();

const patience = { timeoutMs: 60_000 };
const permissions = { allowed_tools: ['Bash', 'AskUserQuestion'], ask_commands: ['touch *'] };
const touch = (name: string) => `!tool Bash ${JSON.stringify({ command: `touch ${name}`, description: 'test' })}`;

function startCrew(rules: object = {}, limits: object = {}): Promise<Crew> {
  return Crew.start({
    ...services.urls,
    permissions: { ...permissions, ...rules },
    limits: { turn_timeout_ms: 120_000, ...limits },
  });
}

function made(crew: Crew, name: string): boolean {
  return existsSync(join(crew.spec.workspace, name));
}

test('a call waits for a person; once, for the session, and denied', async () => {
  await using crew = await startCrew();
  const first = await crew.send(touch('a'));
  const request = await crew.asked();
  expect(request).toMatchObject({ from: 'lead', to: 'user', ref_message_id: first, payload: { tool: 'Bash' } });
  await waitFor('the status', () => crew.statuses().at(-1) === 'waiting_for_approval');
  expect(await crew.control('status')).toMatchObject({
    activity: 'waiting_for_approval',
    current_message_id: first,
    turn_started_at: expect.any(String),
    context: { tokens: expect.any(Number) },
  });
  expect(made(crew, 'a')).toBe(false);
  expect(await crew.answer(request, {})).toMatchObject({ ok: true });
  await crew.replyTo(first);
  expect(made(crew, 'a')).toBe(true);

  const second = await crew.send(`${touch('b')}\n${touch('b')}`);
  const again = await crew.asked([request]);
  await crew.answer(again, { scope: 'session' });
  await crew.replyTo(second);
  const third = await crew.send(touch('c'));
  const other = await crew.asked([request, again]);
  await crew.answer(other, { decision: 'deny', message: 'not today' });
  expect((await crew.replyTo(third)).result).toContain('not today');
  expect(made(crew, 'c')).toBe(false);
  expect(await crew.answer(other, {})).toMatchObject({ ok: false, code: 'APPROVAL_NOT_FOUND' });
  await waitFor('all ends', () => crew.approvals('approval_decision').length === 3);
  expect(crew.approvals('approval_request')).toHaveLength(3);
  await waitFor('idle', () => crew.statuses().at(-1) === 'idle');
});

test('a question of Claude is answered by a person', async () => {
  await using crew = await startCrew();
  const options = [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ];
  const questions = [{ question: 'Which color?', header: 'Color', multiSelect: false, options }];
  const id = await crew.send(`!tool AskUserQuestion ${JSON.stringify({ questions })}`);
  const request = await crew.asked();
  expect(request.payload).toMatchObject({ type: 'question', questions });
  await crew.answer(request, { updated_input: { answers: { 'Which color?': 'Blue' } } });
  await crew.replyTo(id);
  expect(JSON.stringify(crew.activity('tool_result'))).toContain('Blue');
});

test('an interrupt cancels the question, and the queue goes on', async () => {
  await using crew = await startCrew();
  const id = await crew.send(touch('a'));
  const next = await crew.send('!say next');
  const request = await crew.asked();
  await crew.control('interrupt');
  expect((await crew.replyTo(id)).status).toBe('interrupted');
  expect((await crew.replyTo(next)).result).toBe('next');
  await waitFor('its end', () => crew.approvals('approval_decision').length === 1);
  expect(crew.approvals('approval_decision')[0]?.payload).toMatchObject({ status: 'cancelled' });
  expect(await crew.answer(request, {})).toMatchObject({ ok: false });
  expect(made(crew, 'a')).toBe(false);
});

test('nobody answers: the call is denied, and the time of the turn did not run', async () => {
  await using crew = await startCrew({ approval_timeout_seconds: 4 }, { turn_timeout_ms: 3_500 });
  const warm = await crew.send('warm up');
  await crew.replyTo(warm);
  const id = await crew.send(`${touch('a')}\n!say done`);
  expect(await crew.replyTo(id)).toMatchObject({ status: 'completed', result: 'done' });
  expect(crew.approvals('approval_decision')[0]?.payload).toMatchObject({ status: 'expired' });
  expect(made(crew, 'a')).toBe(false);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  '%s: the question is cancelled, and a resumed turn asks again',
  async (signal) => {
    await using crew = await startCrew();
    // To the scripted model a call that was cut off may have had its result.
    const id = await crew.send(`${touch('a')}\n${touch('b')}\n!say done`);
    const first = await crew.asked();
    await crew.endSidecar(signal);
    crew.startSidecar();
    // A CLI that outlives a killed sidecar for a moment may end the turn by itself: to it the calls were denied.
    const requests = () => crew.approvals('approval_request');
    let allowed = 0;
    for (;;) {
      const next = () => requests().length > allowed + 1 || crew.repliesTo(id).length > 0;
      await waitFor('another question, or the reply', next, patience);
      const request = requests()[allowed + 1];
      if (!request) break;
      await crew.answer(request, {});
      allowed += 1;
    }
    expect((await crew.replyTo(id)).result).toBe('done');
    expect([made(crew, 'a'), made(crew, 'b')].filter(Boolean)).toHaveLength(allowed);
    expect(crew.approvals('approval_decision')[0]).toMatchObject({
      ref_message_id: first.message_id,
      payload: { status: 'cancelled' },
    });
  },
);
