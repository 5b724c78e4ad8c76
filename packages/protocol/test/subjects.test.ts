import { expect, test } from 'vitest';
import { parseSubject, storedKinds, streamSubjects, subjectFor } from '../src/index.ts';

const kinds = [...storedKinds, 'control'] as const;

test.each(kinds)('a subject of %s says again what it was made of', (kind) => {
  const subject = subjectFor('Team-1_a', kind, 'agent_2-B');
  expect(parseSubject(subject)).toEqual({ team: 'Team-1_a', kind, agent: 'agent_2-B' });
});

test('the stream holds all of a team but control', () => {
  const subjects = streamSubjects('alpha');
  for (const kind of storedKinds) expect(subjects).toContain(subjectFor('alpha', kind, '*'));
  expect(subjects).toHaveLength(storedKinds.length);
  expect(subjects.join()).not.toContain('control');
});

test.each([
  '',
  'team',
  'team.alpha',
  'team.alpha.agent',
  'team.alpha.agent.',
  'team..agent.leader',
  'team.alpha.agent.leader.more',
  'team.alpha.gossip.leader',
  'team.alpha.constructor.leader',
  'crew.alpha.agent.leader',
  '_INBOX.x.y.z',
])('%j is no subject of ours', (subject) => {
  expect(parseSubject(subject)).toBeUndefined();
});
