import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { activityPayloadSchema, replyPayloadSchema } from '@agentcrew/protocol';
import { startScriptedModel, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Crew, type CrewOptions } from './crew.ts';
import { useServices } from './services.ts';

const services = useServices();

function startCrew(options: Partial<CrewOptions> = {}): Promise<Crew> {
  return Crew.start({ ...services.urls, ...options });
}

test('a turn with a tool, and three messages at once in order; the key shows up nowhere', async () => {
  await using crew = await startCrew();
  await waitFor('the leader to be warm', () => crew.statuses().at(-1) === 'idle', { timeoutMs: 60_000 });
  const first = await crew.send('!tool Bash {"command":"env; echo from-$((40+2)) | tee made.txt"}\n!say All done');
  const payload = await crew.replyTo(first);
  expect(payload).toMatchObject({ status: 'completed', result: 'All done', session_id: await crew.sessionId() });
  expect(replyPayloadSchema.parse(payload).usage?.output_tokens).toBeGreaterThan(0);
  expect(existsSync(join(crew.spec.workspace, 'made.txt'))).toBe(true);

  const types = crew.said
    .filter(({ type }) => type === 'activity_event')
    .map(({ payload: { event_type } }) => event_type);
  expect(types).toEqual(['tool_use', 'tool_result', 'assistant']);
  expect(crew.said.findIndex(({ ref_message_id }) => ref_message_id === first)).toBeGreaterThan(
    crew.said.findLastIndex(({ type }) => type === 'activity_event'),
  );
  for (const { payload: activity } of crew.said.filter(({ type }) => type === 'activity_event'))
    expect(activityPayloadSchema.safeParse(activity).success).toBe(true);
  expect(JSON.stringify(crew.activity('tool_result'))).toContain('from-42');

  const ids = await Promise.all(['one', 'two', 'three'].map((word) => crew.send(`!say ${word}`)));
  await Promise.all(ids.map((id) => crew.replyTo(id)));
  const replies = crew.said.filter(({ ref_message_id }) => ids.includes(String(ref_message_id)));
  const sent = replies.map(({ ref_message_id }) => ref_message_id);
  expect(sent).toHaveLength(3);
  expect(replies.map(({ payload: { result } }) => result)).toEqual(
    sent.map((id) => ['one', 'two', 'three'][ids.indexOf(String(id))]),
  );
  await waitFor('idle', () => crew.statuses().at(-1) === 'idle');
  expect(crew.statuses().slice(0, 5)).toEqual(['starting', 'parked', 'idle', 'working', 'idle']);

  const key = String(crew.spec.secrets.anthropic_api_key);
  expect(services.model.requests.some(({ headers }) => headers['x-api-key'] === key)).toBe(true);
  const processes = await crew.processes();
  expect(processes.length).toBeGreaterThan(1);
  const grep = promisify(execFile)('grep', ['-rl', key, crew.spec.state_dir, crew.spec.workspace]);
  await expect(grep).rejects.toMatchObject({ code: 1 });
  expect(JSON.stringify({ processes, said: crew.said, output: crew.output })).not.toContain(key);
});

test('a denied call is not run, Claude and the feed learn why', async () => {
  await using crew = await startCrew({ permissions: { allowed_tools: ['Bash'], denied_commands: ['touch *'] } });
  const id = await crew.send('!tool Bash {"command":"touch forbidden.txt"}');
  const { result } = await crew.replyTo(id);
  expect(result).toContain('denied');
  expect(existsSync(join(crew.spec.workspace, 'forbidden.txt'))).toBe(false);
  expect(crew.activity('error')[0]).toMatchObject({
    tool_name: 'Bash',
    action: expect.stringContaining('touch forbidden.txt'),
  });
});

test('interrupt ends the turn and the queue goes on; shutdown answers and leaves nothing behind', async () => {
  await using crew = await startCrew();
  expect(await crew.control('interrupt')).toMatchObject({ ok: true, error: expect.stringContaining('No turn') });
  const hanging = await crew.send('!say half\n!hang');
  const next = await crew.send('!say next');
  await services.model.waitForRequest('the hanging turn', ({ userText }) => userText?.includes('!say half') ?? false);
  expect(await crew.control('status')).toMatchObject({ activity: 'working', current_message_id: hanging });
  expect(await crew.control('interrupt')).toEqual({ ok: true });
  expect(await crew.replyTo(hanging)).toMatchObject({ status: 'interrupted', code: 'TURN_INTERRUPTED' });
  expect(await crew.replyTo(next)).toMatchObject({ status: 'completed', result: 'next' });

  const busy = await crew.send('!tool Bash {"command":"touch busy.txt; tail -f /dev/null"}');
  await waitFor('the command to run', () => existsSync(join(crew.spec.workspace, 'busy.txt')), { timeoutMs: 60_000 });
  expect(await crew.control('shutdown')).toEqual({ ok: true });
  expect(await crew.replyTo(busy)).toMatchObject({ status: 'interrupted', code: 'TURN_INTERRUPTED' });
  await waitFor('the CLI to be gone', async () => (await crew.processes()).length === 1);
  expect((await crew.readiness()).status).toBe(503);
  expect(await crew.endSidecar('SIGTERM')).toBe(0);
  await waitFor('all its processes to be gone', async () => (await crew.processes()).length === 0);
});

test('a turn that takes too long, and one that is silent, fail; the next one works', async () => {
  await using crew = await startCrew({ limits: { turn_timeout_ms: 5_000, stall_timeout_ms: 2_000 } });
  const busy = await crew.send('!tool Bash {"command":"tail -f /dev/null"}');
  expect(await crew.replyTo(busy)).toMatchObject({ status: 'failed', code: 'TURN_TIMEOUT' });
  const silent = await crew.send('!hang');
  expect(await crew.replyTo(silent)).toMatchObject({ status: 'failed', code: 'TURN_STALLED' });
  expect(await crew.replyTo(await crew.send('!say fine'))).toMatchObject({ status: 'completed', result: 'fine' });
});

test('an idle CLI is parked and resumed in the same session', async () => {
  await using crew = await startCrew({ limits: { idle_park_ms: 500 } });
  const before = await crew.replyTo(await crew.send('!say before'));
  await waitFor('the CLI to be parked', () => crew.statuses().at(-1) === 'parked', { timeoutMs: 60_000 });
  await waitFor('its end', async () => (await crew.processes()).length === 1);
  await waitFor('it to be ready all the same', async () => (await crew.readiness()).status === 200);
  const after = await crew.replyTo(await crew.send('!say after'));
  expect(after).toMatchObject({ result: 'after', session_id: before.session_id });
  const { body } = await services.model.waitForRequest('the second turn', ({ userText }) => userText === '!say after');
  expect(JSON.stringify(body)).toContain('!say before');
});

test('a refused key is answered in seconds', async () => {
  await using strict = await startScriptedModel({ apiKey: 'sk-the-right-one' });
  await using crew = await startCrew({ modelUrl: strict.url });
  const started = performance.now();
  const refused = await crew.replyTo(await crew.send('hello'));
  expect(refused).toMatchObject({ status: 'failed', code: 'AUTHENTICATION_FAILED' });
  expect(refused.error).toContain('ANTHROPIC_API_KEY');
  // By itself the CLI would try again for half a minute.
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(strict.requests.length).toBeLessThan(4);
});

test('without any key the reply says what to set', async () => {
  await using crew = await startCrew({ apiKey: '' });
  const { code, error } = await crew.replyTo(await crew.send('hello'));
  expect(code).toBe('AUTHENTICATION_FAILED');
  expect(error).toContain('CLAUDE_CODE_OAUTH_TOKEN');
});

test('an overloaded model is tried again, and the feed says so', async () => {
  await using crew = await startCrew();
  const id = await crew.send('!fail 529 x1\n!say at last');
  expect(await crew.replyTo(id)).toMatchObject({ status: 'completed', result: 'at last' });
  expect(crew.activity('error')[0]?.action).toMatch(/^Claude answered 529 \(overloaded\); attempt 1 of 4 in \d+ s$/);
});
