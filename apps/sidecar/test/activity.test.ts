import { activityPayloadSchema } from '@agentcrew/protocol';
import { expect, test } from 'vitest';
import { ActivityReader, denied, describeCall } from '../src/activity.ts';
import { toolUse } from './fakes.ts';

test('text and thinking become what the live feed renders', () => {
  const [thought, said] = new ActivityReader().read({
    type: 'assistant',
    message: {},
    content: [
      { type: 'thinking', thinking: 'hm\nhm' },
      { type: 'text', text: 'Hello' },
      { type: 'text', text: '  ' },
      { type: 'other', block: { type: 'news' } },
    ],
  });
  expect(thought).toMatchObject({ event_type: 'reasoning', action: 'hm hm' });
  expect(said).toEqual({
    event_type: 'assistant',
    action: 'Hello',
    payload: { message: { content: [{ type: 'text', text: 'Hello' }] } },
  });
});

test('a tool call and its result carry the name of the tool', () => {
  const reader = new ActivityReader();
  const [call] = reader.read(toolUse('t1', 'Bash', { command: 'npm test' }));
  expect(call).toMatchObject({ event_type: 'tool_use', tool_name: 'Bash', action: 'Bash: npm test' });
  expect(call?.payload).toEqual({ id: 't1', input: { command: 'npm test' } });
  const [outcome] = reader.read({ type: 'tool_result', toolUseId: 't1', content: 'x'.repeat(50_000), isError: true });
  expect(outcome).toMatchObject({ event_type: 'tool_result', tool_name: 'Bash', action: 'Bash failed' });
  const json = JSON.stringify(outcome?.payload);
  expect(json.length).toBeLessThan(17_000);
  expect(json).toContain('more characters');
});

test('a payload of many small parts is cut, too', () => {
  const input = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, 'value']));
  const [call] = new ActivityReader().read(toolUse('t1', 'mcp', input));
  expect(call?.payload).toMatchObject({ truncated: true });
});

test.each([
  [
    { attempt: 2, maxRetries: 4, delayMs: 2600, status: 529, error: 'overloaded_error' },
    'Claude answered 529 (overloaded); attempt 2 of 4 in 3 s',
  ],
  [
    { attempt: 1, maxRetries: 4, delayMs: 100, error: 'unknown' },
    'The connection to Claude failed; attempt 1 of 4 in 1 s',
  ],
])('a retry is told in words', (event, words) => {
  const [draft] = new ActivityReader().read({ type: 'retry', ...event });
  expect(draft).toMatchObject({ event_type: 'error', action: words });
});

test.each([
  ['Read', { file_path: '/a/b' }, 'Read: /a/b'],
  ['Grep', { pattern: 'x+', path: '/a' }, 'Grep: x+'],
  ['Agent', { description: 'look around', prompt: 'long' }, 'Agent: look around'],
  ['mcp__x', { a: 1 }, 'mcp__x: {"a":1}'],
])('a call in one line: %s', (tool, input, words) => {
  expect(describeCall(tool, input)).toBe(words);
});

test('drafts make valid payloads', () => {
  const draft = denied('Bash', { command: 'rm -rf /' }, 'not allowed');
  expect(draft.action).toBe('Denied Bash: rm -rf / (not allowed)');
  const payload = { ...draft, agent_name: 'Lead', timestamp: new Date().toISOString() };
  expect(activityPayloadSchema.safeParse(payload).success).toBe(true);
});
