import { expect, test } from 'vitest';
import { turnContent } from '../src/turns/resume.ts';

const note = 'about files';
const context = () => 'shared';
const resumed = expect.stringContaining('interrupted by a restart');

test('the text stays a text of its own, whatever is told before it', () => {
  expect(turnContent({ text: 't' }, { recorded: false })).toBe('t');
  expect(turnContent({ text: 't', note }, { recorded: false })).toEqual([note, 't']);
  expect(turnContent({ text: 't', note }, { recorded: false }, context)).toEqual(['shared', note, 't']);
  expect(turnContent({ text: 't' }, { recorded: false }, () => undefined)).toBe('t');
  expect(turnContent({ text: 't', note }, { recorded: true }, context)).toEqual([resumed, note, 't']);
});
