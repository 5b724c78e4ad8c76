import { expect, onTestFinished, test } from 'vitest';
import { type ScriptedModelOptions, startScriptedModel } from '../src/index.ts';

type Message = { role: string; content: unknown };

async function start(options?: ScriptedModelOptions) {
  const model = await startScriptedModel(options);
  onTestFinished(() => model[Symbol.asyncDispose]());
  const post = (messages: Message[], init: { stream?: boolean; key?: string; signal?: AbortSignal } = {}) =>
    fetch(`${model.url}/v1/messages?beta=true`, {
      method: 'POST',
      headers: { 'x-api-key': init.key ?? 'any', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-test', messages, stream: init.stream ?? false }),
      signal: init.signal ?? null,
    });
  const ask = async (messages: Message[]) => (await (await post(messages)).json()) as Record<string, unknown>;
  return { model, post, ask };
}

const user = (content: unknown): Message => ({ role: 'user', content });
const called = (id: string): Message => ({
  role: 'assistant',
  content: [{ type: 'tool_use', id, name: 'Bash', input: {} }],
});
const result = (id: string, text: string): Message =>
  user([
    { type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text }] },
    { type: 'text', text: '<system-reminder>be quick</system-reminder>' },
  ]);

test('a text without directives is echoed', async () => {
  const { model, ask } = await start();
  const reminder = { type: 'text', text: '<system-reminder>context</system-reminder>' };
  const answer = await ask([user([reminder, { type: 'text', text: 'hello there' }])]);
  expect(answer).toMatchObject({
    role: 'assistant',
    model: 'claude-test',
    content: [{ type: 'text', text: 'You said: hello there' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 100, output_tokens: 42 },
  });
  expect(model.requests[0]).toMatchObject({ userText: 'hello there', method: 'POST', headers: { 'x-api-key': 'any' } });
  await model.waitForRequest('the last byte', (request) => request.lastByteAt !== undefined);
});

test('tool lines are steps, told apart by the conversation alone', async () => {
  const { ask } = await start();
  const question = user('please\n!tool Bash {"command":"ls"}\n!tool Read {"file_path":"/a"}\n!say all done');
  const first = await ask([user('!say old'), { role: 'assistant', content: 'old' }, question]);
  expect(first).toMatchObject({
    content: [{ type: 'tool_use', name: 'Bash', input: { command: 'ls' } }],
    stop_reason: 'tool_use',
  });
  const second = await ask([question, called('a'), result('a', 'x')]);
  expect(second).toMatchObject({ content: [{ name: 'Read' }] });
  const last = await ask([question, called('a'), result('a', 'x'), called('b'), result('b', 'y')]);
  expect(last).toMatchObject({ content: [{ type: 'text', text: 'all done' }], stop_reason: 'end_turn' });
});

test('calls of one message are one step; the answer shows all their results', async () => {
  const { ask } = await start();
  const question = user('!tool Bash {"command":"ls"}\n!also Read {"file_path":"/a"}');
  expect(await ask([question])).toMatchObject({
    content: [{ name: 'Bash' }, { name: 'Read' }],
    stop_reason: 'tool_use',
  });
  const results = user(['x', 'y'].map((text) => ({ type: 'tool_result', tool_use_id: text, content: text })));
  const calls = {
    role: 'assistant',
    content: ['x', 'y'].map((id) => ({ type: 'tool_use', id, name: 'Bash', input: {} })),
  };
  expect(await ask([question, calls, results])).toMatchObject({ content: [{ text: 'Done. x\ny' }] });
});

test('without a say line the answer shows the last tool result', async () => {
  const { ask } = await start();
  const answer = await ask([user('!tool Bash {}'), called('a'), result('a', 'file.txt')]);
  expect(answer).toMatchObject({ content: [{ text: 'Done. file.txt' }] });
});

test('streams thinking, text and usage as server-sent events', async () => {
  const { post } = await start({ deltaDelayMs: 1 });
  const text = 'Äpfel & 🍎 '.repeat(20);
  const response = await post([user(`!think let me see\n!say ${text}`)], { stream: true });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const events = (await response.text())
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));
  const joined = (field: string) => events.map((event) => event.delta?.[field] ?? '').join('');
  expect(joined('text')).toBe(text);
  expect(joined('thinking')).toBe('let me see');
  expect(events[0].message).toMatchObject({ role: 'assistant', content: [], stop_reason: null });
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } });
  expect(events.at(-1)).toEqual({ type: 'message_stop' });
});

test.each([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [429, 'rate_limit_error'],
  [500, 'api_error'],
  [529, 'overloaded_error'],
])('fails with %d as often as asked, then goes on', async (status, type) => {
  const { post, ask } = await start();
  const question = [user(`!fail ${status} x2\n!say fine`)];
  for (let attempt = 0; attempt < 2; attempt++) {
    const response = await post(question, { stream: true });
    expect(response.status).toBe(status);
    expect(response.headers.has('retry-after')).toBe(status === 429);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type } });
  }
  expect(await ask(question)).toMatchObject({ content: [{ text: 'fine' }] });
});

test('fails in the step in which the directive stands', async () => {
  const { post, ask } = await start();
  const question = user('!tool Bash {}\n!fail 529\n!say fine');
  expect(await ask([question])).toMatchObject({ stop_reason: 'tool_use' });
  expect((await post([question, called('a'), result('a', 'x')])).status).toBe(529);
});

test('drops the connection in the middle of an answer, once', async () => {
  const { post, ask } = await start();
  const question = [user('!drop\n!say fine')];
  const response = await post(question, { stream: true });
  await expect(response.text()).rejects.toThrow();
  expect(await ask(question)).toMatchObject({ content: [{ text: 'fine' }] });
});

test('hangs until the other side gives up, after the text when there is one', async () => {
  const { model, post } = await start();
  const giveUp = new AbortController();
  const silent = post([user('!hang')], { stream: true, signal: giveUp.signal });
  const talking = await post([user('!say so far\n!hang')], { stream: true, signal: giveUp.signal });
  const reader = talking.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  while (!seen.includes('so far')) seen += (await reader?.read())?.value ?? '';
  await model.waitForRequest('the silent one', (request) => request.userText === '!hang');
  giveUp.abort();
  await expect(silent).rejects.toThrow();
});

test('with a key, other keys are refused; both headers will do', async () => {
  const { model, post } = await start({ apiKey: 'right' });
  expect((await post([user('hi')], { key: 'wrong' })).status).toBe(401);
  expect((await post([user('hi')], { key: 'right' })).status).toBe(200);
  const bearer = await fetch(`${model.url}/v1/messages/count_tokens`, {
    method: 'POST',
    headers: { authorization: 'Bearer right' },
    body: '{"messages":[]}',
  });
  expect(await bearer.json()).toEqual({ input_tokens: expect.any(Number) });
  expect((await fetch(model.url, { method: 'HEAD' })).status).toBe(200);
});

test('answers wait while held', async () => {
  const { model, ask } = await start();
  const held = model.hold();
  const answers: unknown[] = [];
  const asked = ask([user('hi')]).then((answer) => answers.push(answer));
  await model.waitForRequest('the question', (request) => request.userText === 'hi');
  expect(answers).toEqual([]);
  held.release();
  await asked;
  expect(answers).toHaveLength(1);
});

test('a request or directive that cannot be read is a 400 that says why', async () => {
  const { post } = await start();
  const response = await post([user('!tool Bash {not json}')]);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('!tool Bash');
  expect((await post([])).status).toBe(400);
});
