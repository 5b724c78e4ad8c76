import { instructionsFor } from '@agentcrew/api/crew/instructions.ts';
import type { AgentInput } from '@agentcrew/api/crew/roster.ts';
import type { Database } from '@agentcrew/models';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryDatabase, storedTeam } from '../support/rows.ts';

let db: Database;
beforeEach(() => {
  db = memoryDatabase();
});
afterEach(() => db[Symbol.dispose]());

function instructions(agents: AgentInput[], description = ''): string[] {
  const stored = storedTeam(db, { name: 'alpha', description }, agents);
  return stored.agents.map((agent) => instructionsFor(agent, stored.team, stored.agents));
}

const lead: AgentInput = { name: 'Lead', role: 'leader' };

test('are those of the agent, when it has some', () => {
  expect(instructions([{ ...lead, instructions_md: '# Mine\n', system_prompt: 'unused' }])).toEqual(['# Mine']);
});

test('are made from the other fields when it has none', () => {
  const [text] = instructions([
    {
      ...lead,
      instructions_md: ' \n',
      specialty: 'planning',
      system_prompt: 'Plan.',
      sub_agent_instructions: 'Ask first.',
    },
  ]);
  for (const part of ['Lead', 'alpha', 'planning', 'Plan.', 'Ask first.']) expect(text).toContain(part);
  expect(text).toMatch(/^# Lead\n/);
});

test('tell what the team is for', () => {
  for (const text of instructions([lead, { name: 'Worker' }], 'builds houses')) expect(text).toContain('builds houses');
});

test('name the teammates, with what they are good at', () => {
  const [leader, worker] = instructions([
    { ...lead, instructions_md: 'Lead on.' },
    { name: 'Ada', specialty: 'numbers', sub_agent_description: 'computes' },
    { name: 'Bob' },
  ]);
  expect(leader).toMatch(/^Lead on\.\n/);
  expect(leader).toContain('**Ada** — numbers: computes');
  expect(leader).toContain('- **Bob**');
  expect(leader).not.toContain('**Lead**');
  expect(leader).toContain('mcp__crew__delegate_task');
  expect(worker).toContain('- **Lead** (leader)\n- **Bob**');
  expect(worker).not.toContain('**Ada**');
  expect(worker).toContain('mcp__crew__ask_teammate');
});

test('explain the tools of the team only to who has them, and teammates only to who has some', () => {
  const [leader, worker] = instructions([lead, { name: 'Ada', permissions: { allowed_tools: [] } }]);
  expect(leader).toContain('mcp__crew__');
  expect(worker).toContain('**Lead**');
  expect(worker).not.toContain('mcp__crew__');
});

test('of a team of one name nobody', () => {
  expect(instructions([lead])[0]).not.toContain('Team members');
});
