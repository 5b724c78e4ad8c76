import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { transcriptState } from '../src/index.ts';

const user = (uuid: string, promptId: string, more: object = {}) => ({
  type: 'user',
  uuid,
  promptId,
  message: { role: 'user', content: 'text' },
  ...more,
});
const assistant = (text: string, stop: string, more: object = {}) => ({
  type: 'assistant',
  message: { role: 'assistant', model: 'm', stop_reason: stop, content: [{ type: 'text', text }] },
  ...more,
});
const thinking = {
  type: 'assistant',
  message: { role: 'assistant', model: 'm', stop_reason: 'end_turn', content: [{ type: 'thinking', thinking: 't' }] },
};

async function stateOf(uuid: string, lines: (object | string)[]) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const file = join(folder.path, 'projects', '-workspace', 'session.jsonl');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''));
  return await transcriptState(folder.path, 'session', uuid);
}

const cases: [string, (object | string)[], Awaited<ReturnType<typeof stateOf>>][] = [
  ['empty transcript', [], 'absent'],
  ['another turn only', [user('other', 'p0'), assistant('no', 'end_turn')], 'absent'],
  ['only named by other lines', [{ type: 'last-prompt', leafUuid: 'u' }], 'absent'],
  ['asked only', [user('u', 'p1')], 'started'],
  ['torn answer', [user('u', 'p1'), JSON.stringify(assistant('x', 'end_turn')).slice(0, -9)], 'started'],
  ['between two tools', [user('u', 'p1'), assistant('I look', 'tool_use'), user('r', 'p1')], 'started'],
  ['only thinking recorded', [user('u', 'p1'), thinking], 'started'],
  [
    'answered',
    [user('u', 'p1'), assistant('I look', 'tool_use'), user('r', 'p1'), thinking, assistant('it', 'end_turn')],
    { finished: 'it' },
  ],
  [
    'answered, then others',
    [user('u', 'p1'), assistant('it', 'end_turn'), user('v', 'p2'), assistant('no', 'end_turn')],
    { finished: 'it' },
  ],
  [
    'cut off, then others',
    [user('u', 'p1'), assistant('I look', 'tool_use'), user('v', 'p2'), assistant('no', 'end_turn')],
    'started',
  ],
  ['failed at the model', [user('u', 'p1'), assistant('API Error', 'stop_sequence')], 'started'],
  ['a subagent answered', [user('u', 'p1'), assistant('no', 'end_turn', { isSidechain: true })], 'started'],
  [
    'compacted on the way',
    [user('u', 'p1'), user('c', 'p9', { isCompactSummary: true }), assistant('it', 'end_turn')],
    { finished: 'it' },
  ],
];

test.each(cases)('%s', async (_, lines, state) => {
  expect(await stateOf('u', lines)).toEqual(state);
});

test('without a transcript a turn is absent', async () => {
  expect(await transcriptState('/nowhere', 'session', 'u')).toBe('absent');
});
