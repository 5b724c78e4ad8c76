import { expect, test } from 'vitest';
import { agentMarker, agentSpecSchema } from '../src/index.ts';

const least = {
  instance: 'i1',
  team: 'alpha',
  agent: 'leader',
  agent_name: 'Leader',
  role: 'leader',
  nats_url: 'nats://127.0.0.1:4222',
  workspace: '/workspace',
  state_dir: '/state',
  permissions: null,
};

test('what is absent has a default', () => {
  expect(agentSpecSchema.parse(least)).toMatchObject({
    ...least,
    instructions: '',
    health_addr: '0.0.0.0:9090',
    limits: { turn_timeout_ms: 1_800_000, stall_timeout_ms: 300_000, idle_park_ms: 900_000, max_attempts: 10 },
    env: {},
    secrets: {},
  });
});

test('one limit may be given without the others', () => {
  const spec = agentSpecSchema.parse({ ...least, limits: { turn_timeout_ms: 5 } });
  expect(spec.limits).toMatchObject({ turn_timeout_ms: 5, stall_timeout_ms: 300_000 });
});

test('permissions pass as they are: the gate reads them', () => {
  const permissions = { allowed_tools: 'not even a list' };
  expect(agentSpecSchema.parse({ ...least, permissions }).permissions).toEqual(permissions);
});

test('permissions that got lost on the way are not taken for none', () => {
  const { permissions: _, ...lost } = least;
  expect(agentSpecSchema.safeParse(lost).success).toBe(false);
});

test.each([
  ['no instance', { instance: '' }],
  ['a team that is no slug', { team: '../alpha' }],
  ['an agent with a dot', { agent: 'a.b' }],
  ['another role', { role: 'boss' }],
  ['a limit of zero', { limits: { turn_timeout_ms: 0 } }],
  ['a limit in words', { limits: { idle_park_ms: 'never' } }],
  ['an environment of numbers', { env: { A: 1 } }],
  ['a secret that is no text', { secrets: { nats_token: 7 } }],
])('%s is refused', (_what, change) => {
  expect(agentSpecSchema.safeParse({ ...least, ...change }).success).toBe(false);
});

test('the marker of an agent tells whose it is', () => {
  expect(agentMarker({ instance: 'i1', team: 'alpha', agent: 'leader' })).toBe('i1/alpha/leader');
});
