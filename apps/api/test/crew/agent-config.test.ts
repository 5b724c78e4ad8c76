import { agentConfig } from '@agentcrew/api/crew/agent-config.ts';
import type { AgentInput, TeamInput } from '@agentcrew/api/crew/roster.ts';
import type { Database } from '@agentcrew/models';
import { agentLimitsSchema } from '@agentcrew/protocol';
import type { RuntimeName } from '@agentcrew/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryDatabase, storedTeam } from '../support/rows.ts';

let db: Database;
beforeEach(() => {
  db = memoryDatabase();
});
afterEach(() => db[Symbol.dispose]());

const limits = agentLimitsSchema.parse({});

function configs(
  agents: AgentInput[],
  settings: Partial<Parameters<typeof agentConfig>[3]> = {},
  team: Partial<TeamInput> = {},
  runtime: RuntimeName = 'docker',
) {
  const stored = storedTeam(db, team, agents);
  return stored.agents.map((agent) =>
    agentConfig(agent, stored.team, stored.agents, { env: {}, ...settings }, limits, runtime),
  );
}

test('names, secrets and settings go where they belong', () => {
  const settings = { apiKey: 'key', oauthToken: 'oauth', baseUrl: 'http://model', env: { A: 'b' } };
  const [config] = configs([{ name: 'Lead', role: 'leader', permissions: { allowed_tools: ['Read'] } }], settings, {
    name: 'alpha',
  });
  expect(config).toMatchObject({
    team: 'alpha',
    agent: 'Lead',
    agent_id: db.agents.listByTeam(db.teams.all()[0]?.id ?? '')[0]?.id,
    agent_name: 'Lead',
    role: 'leader',
    anthropic_base_url: 'http://model',
    permissions: { allowed_tools: ['Read'] },
    env: { A: 'b' },
    limits,
    secrets: { nats_token: expect.stringMatching(/.{20}/), anthropic_api_key: 'key', claude_code_oauth_token: 'oauth' },
  });
  expect(config?.workspacePath).toBeUndefined();
  expect(config?.image).toBeUndefined();
});

describe('the model', () => {
  const lead = (sub_agent_model?: string): AgentInput => ({ name: 'Lead', role: 'leader', sub_agent_model });
  const worker = (sub_agent_model?: string): AgentInput => ({ name: 'Worker', sub_agent_model });

  test.each([
    ['nothing chosen', [lead(), worker()], undefined, [undefined, undefined]],
    ['the settings alone', [lead(), worker('inherit')], 'haiku', ['haiku', 'haiku']],
    ["the leader's choice is the workers' too", [lead('opus'), worker('inherit')], 'haiku', ['opus', 'opus']],
    ['an empty choice is none', [lead('opus'), worker('')], undefined, ['opus', 'opus']],
    ['a choice of its own', [lead('opus'), worker('sonnet')], 'haiku', ['opus', 'sonnet']],
    ['a worker of its own', [lead(), worker('sonnet')], undefined, [undefined, 'sonnet']],
  ])('%s', (_what, agents, model, expected) => {
    expect(configs(agents, { model }).map((config) => config.model)).toEqual(expected);
  });
});

describe('the time for a turn', () => {
  test.each([
    [{ timeout_seconds: 90 }, 90_000],
    [{ timeout_seconds: 0.5 }, 500],
    [{}, limits.turn_timeout_ms],
    [null, limits.turn_timeout_ms],
    [{ timeout_seconds: 0 }, limits.turn_timeout_ms],
    [{ timeout_seconds: 'x' }, limits.turn_timeout_ms],
  ])('with resources %o', (resources, turn_timeout_ms) => {
    const [config] = configs([{ name: 'Lead', resources }]);
    expect(config?.limits).toEqual({ ...limits, turn_timeout_ms });
  });
});

describe('cores and bytes', () => {
  const mebi = 2 ** 20;
  const of = (resources: unknown, runtime: RuntimeName) =>
    configs([{ name: 'Lead', resources }], {}, {}, runtime)[0]?.resources;

  test.each<[unknown, unknown]>([
    [null, undefined],
    [{ timeout_seconds: 60 }, undefined],
    [
      { cpu: '0.5', memory: '512Mi' },
      { cpu: 0.5, memory: 512 * mebi },
    ],
    [
      { cpu: '500m', memory: '1.5Gi' },
      { cpu: 0.5, memory: 1536 * mebi },
    ],
    [{ cpu: 2 }, { cpu: 2 }],
    [{ memory: '512m' }, { memory: 512 * mebi }],
    [{ memory: '2g' }, { memory: 2048 * mebi }],
  ])('of %o are the same on every runtime', (resources, expected) => {
    for (const runtime of ['docker', 'local', 'kubernetes'] as const) expect(of(resources, runtime)).toEqual(expected);
  });

  test.each([
    ['512M', 512 * mebi, 512_000_000],
    ['1G', 1024 * mebi, 1_000_000_000],
    ['536870912', 512 * mebi, 512 * mebi],
  ])('of %s follow the runtime', (memory, docker, kubernetes) => {
    expect(of({ memory }, 'docker')).toEqual({ memory: docker });
    expect(of({ memory }, 'kubernetes')).toEqual({ memory: kubernetes });
  });
});

test('a workspace and an image of the team are passed on', () => {
  const [config] = configs([{ name: 'Lead' }], {}, { workspace_path: '/w', agent_image: 'a/b' });
  expect(config).toMatchObject({ workspacePath: '/w', image: 'a/b', role: 'worker' });
});

test('an agent is told of the others', () => {
  const [lead, ada] = configs([
    { name: 'Lead', role: 'leader' },
    { name: 'Ada', specialty: 'x'.repeat(3_000), sub_agent_description: 'computes' },
  ]);
  expect(lead?.teammates).toEqual([
    { slug: 'Ada', name: 'Ada', role: 'worker', specialty: 'x'.repeat(2_000), description: 'computes' },
  ]);
  expect(ada?.teammates).toMatchObject([{ slug: 'Lead', role: 'leader' }]);
});
