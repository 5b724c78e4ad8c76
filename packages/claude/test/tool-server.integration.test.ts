import { latch } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import type { ToolServer } from '../src/index.ts';
import { agentPlace, say } from './cli.ts';

const place = (call: ToolServer['call'], callTimeoutMs = 30_000) =>
  agentPlace({
    toolServer: {
      name: 'crew',
      callTimeoutMs,
      tools: async () => [
        {
          name: 'echo',
          description: 'Says it again.',
          inputSchema: { type: 'object', properties: { word: { type: 'string' } } },
          annotations: { readOnlyHint: true },
        },
      ],
      call,
    },
  });

test('the model gets tools of this process, and calls of them pass the gate', async () => {
  const { model, calls, events, start } = await place(async (_tool, input) => ({ text: JSON.stringify(input) }));
  const cli = await start();
  const result = await cli.turn(say('!tool mcp__crew__echo {"word":"hello"}'));
  expect(result).toMatchObject({ outcome: 'completed', text: 'Done. {"word":"hello"}' });
  expect(calls).toMatchObject([{ tool: 'mcp__crew__echo', input: { word: 'hello' } }]);
  expect(events.find(({ type }) => type === 'init')).toMatchObject({
    mcpServers: [{ name: 'crew', status: 'connected' }],
  });
  expect(JSON.stringify(model.requests.find(({ userText }) => userText?.includes('hello'))?.body)).toContain(
    'Says it again.',
  );
});

test('several calls of one message run at the same time', async () => {
  const all = latch();
  let running = 0;
  const { start } = await place(async (_tool, input) => {
    running += 1;
    if (running === 3) all.open();
    await all.promise;
    return { text: JSON.stringify(input) };
  });
  const cli = await start();
  const also = ['b', 'c'].map((word) => `!also mcp__crew__echo {"word":"${word}"}`).join('\n');
  const { text } = await cli.turn(say(`!tool mcp__crew__echo {"word":"a"}\n${also}`));
  for (const word of ['a', 'b', 'c']) expect(text).toContain(`{"word":"${word}"}`);
});

test('an interrupt aborts the call; the process takes the next turn', async () => {
  const began = latch();
  const aborted = latch();
  const { start } = await place(async (_tool, _input, signal) => {
    signal.addEventListener('abort', () => aborted.open());
    began.open();
    await aborted.promise;
    return { text: 'too late' };
  });
  const cli = await start();
  const turn = cli.turn(say('!tool mcp__crew__echo {"word":"slow"}'));
  await began.promise;
  await cli.interrupt();
  await aborted.promise;
  expect(await turn).toMatchObject({ outcome: 'interrupted' });
  expect(await cli.turn(say('!say next'))).toMatchObject({ text: 'next' });
});

test('a call is given up after its time', async () => {
  const aborted = latch();
  const { start } = await place(async (_tool, _input, signal) => {
    signal.addEventListener('abort', () => aborted.open());
    await aborted.promise;
    return { text: 'too late' };
  }, 1_500);
  const cli = await start();
  const { text } = await cli.turn(say('!tool mcp__crew__echo {"word":"slow"}'));
  expect(text).toContain('timed out');
});
