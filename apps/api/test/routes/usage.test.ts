import { noUsage } from '@agentcrew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const today = () => new Date().toISOString().slice(0, 10);

test('is counted by day and agent, and outlives the team', async () => {
  const { id, agents } = await app.client.createTeam();
  const turn = { usage: { ...noUsage, output_tokens: 7 }, cost_usd: 0.25 };
  app.db.agents.addUsage(agents[0].id, turn);
  app.db.agents.addUsage(agents[0].id, turn);
  app.db.agents.addUsage(agents[1].id, turn);
  await app.client.delete(`/api/teams/${id}`);
  const { body } = await app.client.get(`/api/usage?team_id=${id}`);
  expect(body).toMatchObject({ to: today(), total: { output_tokens: 21, cost_usd: 0.75, turns: 3 } });
  expect(
    body.days.map(({ day, agent_id, usage }: { day: string; agent_id: string; usage: { turns: number } }) => [
      day,
      agent_id,
      usage.turns,
    ]),
  ).toEqual([
    [today(), agents[0].id, 2],
    [today(), agents[1].id, 1],
  ]);
  expect((await app.client.get('/api/usage?from=2020-01-01&to=2020-01-31')).body).toMatchObject({
    days: [],
    total: { turns: 0 },
  });
});

test.each([
  ['from=yesterday', 'from must be a day such as 2026-01-31'],
  ['from=2026-02-30', 'from must be a day'],
  ['from=2026-02-02&to=2026-02-01', 'from'],
  ['from=2020-01-01&to=2026-01-01', 'days apart'],
])('refuses %s', async (query, words) => {
  expectError(await app.client.get(`/api/usage?${query}`), 400, 'INVALID_REQUEST', words);
});
