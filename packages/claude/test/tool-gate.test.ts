import { latch, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import type { ClaudeOptions } from '../src/index.ts';
import { ToolGate } from '../src/tool-gate.ts';
import type { InputLine } from '../src/writer.ts';

function gateWith(decide: ClaudeOptions['decide']) {
  const written: InputLine[] = [];
  const gate = new ToolGate(decide, (line) => written.push(line));
  return { gate, written };
}

function canUseTool(request: object = {}) {
  const call = { subtype: 'can_use_tool', tool_name: 'Bash', input: { command: 'ls' } };
  return { type: 'control_request', request_id: 'r1', request: { ...call, ...request } };
}

const answered = (response: object) => [
  { type: 'control_response', response: { subtype: 'success', request_id: 'r1', response } },
];

test('hands over the call and passes the decision on', async () => {
  const { gate, written } = gateWith(async (call) => {
    expect(call).toEqual({ requestId: 'r1', tool: 'Bash', input: { command: 'ls' }, agentId: 'a' });
    return { behavior: 'allow' };
  });
  gate.handle(canUseTool({ agent_id: 'a' }));
  await waitFor('the answer', () => written.length > 0);
  expect(written).toEqual(answered({ behavior: 'allow', updatedInput: { command: 'ls' } }));
});

test.each<[string, ClaudeOptions['decide']]>([
  ['rejects', () => Promise.reject(new Error('secret detail'))],
  [
    'throws',
    () => {
      throw new Error('secret detail');
    },
  ],
  ['is not a decision', () => Promise.resolve(undefined as never)],
  ['has another word', () => Promise.resolve({ behavior: 'yes' } as never)],
])('a decision that %s is a denial', async (_, decide) => {
  const { gate, written } = gateWith(decide);
  gate.handle(canUseTool());
  await waitFor('the answer', () => written.length > 0);
  expect(written).toMatchObject(answered({ behavior: 'deny' }));
  expect(JSON.stringify(written)).not.toContain('secret');
});

test.each([
  ['an unknown request', { type: 'control_request', request_id: 'r1', request: { subtype: 'hook_callback' } }],
  ['a call without a tool', canUseTool({ tool_name: undefined })],
  ['a call whose input is no object', canUseTool({ input: 'ls' })],
  ['no request', { type: 'control_request', request_id: 'r1' }],
])('%s gets an error, without a decision', (_, line) => {
  const { gate, written } = gateWith(() => {
    throw new Error('must not be asked');
  });
  gate.handle(line);
  expect(written).toMatchObject([{ type: 'control_response', response: { subtype: 'error', request_id: 'r1' } }]);
});

test.each<[string, (gate: ToolGate) => void]>([
  ['cancelled call', (gate) => gate.cancel('r1')],
  ['call of an ended turn', (gate) => gate.cancelAll()],
])('a %s aborts the decision and is not answered', async (_, end) => {
  const aborted = latch();
  const decided = latch();
  const { gate, written } = gateWith(async (_call, signal) => {
    signal.addEventListener('abort', () => aborted.open());
    await decided.promise;
    return { behavior: 'allow' };
  });
  gate.handle(canUseTool());
  end(gate);
  await aborted.promise;
  decided.open();
  await new Promise(setImmediate);
  expect(written).toEqual([]);
});
