import { createHub } from '@agentcrew/api/crew/hub.ts';
import type { MessageRow } from '@agentcrew/models';
import { expect, test } from 'vitest';

const row = (team_id: string, seq: number) => ({ team_id, seq }) as MessageRow;

test('tells every listener of the team, in order, and those of no other', () => {
  const hub = createHub();
  const heard: string[] = [];
  hub.subscribe('a', ({ seq }) => heard.push(`first ${seq}`));
  hub.subscribe('a', ({ seq }) => heard.push(`second ${seq}`));
  hub.subscribe('b', ({ seq }) => heard.push(`other ${seq}`));
  hub.observe(({ team_id, seq }) => heard.push(`all ${team_id}${seq}`));
  hub.publish(row('a', 1));
  hub.publish(row('a', 2));
  hub.publish(row('c', 3));
  expect(heard).toEqual(['all a1', 'first 1', 'second 1', 'all a2', 'first 2', 'second 2', 'all c3']);
});

test('tells nobody who left', () => {
  const hub = createHub();
  const heard: number[] = [];
  const subscription = hub.subscribe('a', ({ seq }) => heard.push(seq));
  const observer = hub.observe(({ seq }) => heard.push(seq));
  hub.publish(row('a', 1));
  subscription[Symbol.dispose]();
  subscription[Symbol.dispose]();
  observer[Symbol.dispose]();
  hub.publish(row('a', 2));
  expect(heard).toEqual([1, 1]);
});

test('a listener may leave, and another come, while a row is told', () => {
  const hub = createHub();
  const heard: string[] = [];
  const leaving = hub.subscribe('a', () => {
    heard.push('leaving');
    leaving[Symbol.dispose]();
  });
  hub.subscribe('a', () => heard.push('staying'));
  hub.publish(row('a', 1));
  hub.publish(row('a', 2));
  expect(heard).toEqual(['leaving', 'staying', 'staying']);
});

test('one who came after the last had left is told', () => {
  const hub = createHub();
  const first = hub.subscribe('a', () => undefined);
  first[Symbol.dispose]();
  const heard: number[] = [];
  hub.subscribe('a', ({ seq }) => heard.push(seq));
  first[Symbol.dispose]();
  hub.publish(row('a', 1));
  expect(heard).toEqual([1]);
});
