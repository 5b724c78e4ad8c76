import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from './host.ts';

/** What one answer of the scripted model costs, as the CLI reckons it, and its tokens that count. */
const answer = { usd: 0.0011, tokens: 162 };
const steps = 12;
const manySteps = `${'!tool Bash {"command":"true","description":"a step"}\n'.repeat(steps)}!say done`;

let host: Host;
let model: Host['model'];
let client: Host['client'];

beforeEach(async () => {
  host = await Host.start();
  ({ model, client } = host);
});
afterEach(() => host[Symbol.asyncDispose]());

async function deploy(team: object, leader: object) {
  const { id, agents } = await client.createTeam('thrifty', team, {
    permissions: { allowed_tools: ['Bash'] },
    ...leader,
  });
  await client.deploy(id);
  const says = async (text: string) => (await client.reply(id, (await client.chat(id, text)).message_id)).payload;
  return { id, leader: agents[0]?.id, says };
}

test.each([
  ['dollars', { usd: 0.005 }, 0.005 / answer.usd],
  ['tokens', { tokens: 800 }, 800 / answer.tokens],
])(
  'a turn ends with the request that passes the budget of %s, and goes on when it is raised',
  async (_unit, budget, most) => {
    const { id, leader, says } = await deploy({}, { budget });
    expect(await says(manySteps)).toMatchObject({
      status: 'failed',
      code: 'BUDGET_EXCEEDED',
      error: expect.stringMatching(/^The budget of agent lead is used up: /),
    });
    expect(model.requests.length).toBeLessThanOrEqual(Math.ceil(most));
    expect(model.requests.length).toBeGreaterThan(1);
    const asked = model.requests.length;
    expect(await says('and now?')).toMatchObject({ status: 'failed', code: 'BUDGET_EXCEEDED' });
    expect(model.requests.length).toBe(asked);
    await client.call('PUT', `/api/teams/${id}/agents/${leader}`, { budget: { usd: 1 } });
    await waitFor('the agent to know', async () => (await says('and now?')).result === 'You said: and now?');
  },
);

test('a budget of turns is that of the team, and usage is shown by day, team and agent', async () => {
  const { id, says } = await deploy({ budget: { turns: 2 } }, {});
  expect(await says('one')).toMatchObject({ result: 'You said: one' });
  expect(await says('two')).toMatchObject({ result: 'You said: two' });
  expect(await says('three')).toMatchObject({
    code: 'BUDGET_EXCEEDED',
    error: 'The budget of the team is used up: 2 of 2 turns. Raise it, then send the message again.',
  });
  const usage = await client.call<{ total: object; days: object[] }>('GET', `/api/usage?team_id=${id}`);
  expect(usage.total).toMatchObject({ turns: 2, output_tokens: 84 });
  expect(usage.days).toEqual([expect.objectContaining({ team: 'thrifty', agent: 'lead', team_id: id })]);
});
