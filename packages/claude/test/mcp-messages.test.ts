import { latch, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import type { ToolServer } from '../src/index.ts';
import { McpMessages } from '../src/mcp-messages.ts';
import type { InputLine } from '../src/writer.ts';

function messages(changes: Partial<ToolServer> = {}) {
  const written: InputLine[] = [];
  const server: ToolServer = {
    name: 'crew',
    callTimeoutMs: 1000,
    tools: async () => [{ name: 'echo', description: 'says it again', inputSchema: { type: 'object' } }],
    call: async (tool, input) => ({ text: `${tool} ${JSON.stringify(input)}` }),
    ...changes,
  };
  const mcp = new McpMessages(server, (line) => written.push(line));
  const handle = (message: object, server_name = 'crew') =>
    mcp.handle({
      type: 'control_request',
      request_id: 'r1',
      request: { subtype: 'mcp_message', server_name, message: { jsonrpc: '2.0', ...message } },
    });
  const answer = async (message: object) => {
    expect(handle(message)).toBe(true);
    const [line] = await waitFor('the answer', () => written.length > 0 && written.splice(0));
    expect(line).toMatchObject({ type: 'control_response', response: { subtype: 'success', request_id: 'r1' } });
    return (line as { response: { response: { mcp_response: object } } }).response.response.mcp_response;
  };
  return { mcp, handle, answer, written };
}

const call = (name = 'echo') => ({ id: 7, method: 'tools/call', params: { name, arguments: { a: 1 } } });

test.each([
  [
    'initialize',
    { id: 0, method: 'initialize', params: { protocolVersion: 'v9' } },
    { id: 0, result: { protocolVersion: 'v9', capabilities: { tools: {} }, serverInfo: { name: 'crew' } } },
  ],
  ['a notification', { method: 'notifications/initialized' }, { result: {} }],
  ['ping', { id: 'x', method: 'ping' }, { id: 'x', result: {} }],
  ['tools/list', { id: 1, method: 'tools/list' }, { id: 1, result: { tools: [{ name: 'echo' }] } }],
  ['tools/call', call(), { id: 7, result: { content: [{ type: 'text', text: 'echo {"a":1}' }], isError: false } }],
  ['another method', { id: 2, method: 'resources/list' }, { id: 2, error: { code: -32_601 } }],
  ['a call without a name', { id: 3, method: 'tools/call' }, { id: 3, error: { code: -32_603 } }],
])('answers %s', async (_what, message, expected) => {
  expect(await messages().answer(message)).toMatchObject({ jsonrpc: '2.0', ...expected });
});

test('a call that throws is an error that the model reads', async () => {
  const { answer } = messages({
    call: async () => {
      throw new Error('no such teammate');
    },
  });
  expect(await answer(call())).toMatchObject({ result: { isError: true, content: [{ text: 'no such teammate' }] } });
});

test('leaves requests of another kind, or for another server, to others', () => {
  const { mcp, handle } = messages();
  expect(handle(call(), 'other')).toBe(false);
  expect(mcp.handle({ type: 'control_request', request_id: 'r', request: { subtype: 'can_use_tool' } })).toBe(false);
  expect(mcp.handle({ type: 'control_request', request_id: 'r', request: { subtype: 'mcp_message' } })).toBe(false);
});

test.each([
  [
    'the CLI takes it back',
    (it: ReturnType<typeof messages>) =>
      void it.handle({ method: 'notifications/cancelled', params: { requestId: 7 } }),
  ],
  ['the turn ends', (it: ReturnType<typeof messages>) => it.mcp.cancelAll()],
])('a call is told when %s', async (_what, end) => {
  const began = latch();
  const aborted = latch();
  const it = messages({
    call: async (_tool, _input, signal) => {
      signal.addEventListener('abort', () => aborted.open());
      began.open();
      await aborted.promise;
      return { text: 'ended' };
    },
  });
  it.handle(call());
  await began.promise;
  end(it);
  await aborted.promise;
});
