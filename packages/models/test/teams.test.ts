import { expect, test } from 'vitest';
import { agent, memoryDatabase, message, org, team } from './fixtures.ts';

test('a new team has the defaults of the wire', () => {
  using db = memoryDatabase();
  const row = db.teams.insert(team('alpha'));
  expect(row).toMatchObject({
    org_id: org,
    name: 'alpha',
    description: '',
    status: 'stopped',
    status_message: '',
    provider: 'claude',
    model_provider: '',
    workspace_path: '',
    agent_image: '',
    mcp_servers: null,
    mcp_statuses: null,
    nats_token: 'token of alpha',
    input_tokens: 0,
    cost_usd: 0,
    turns: 0,
  });
  expect(row.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(row.created_at).toBeInstanceOf(Date);
  expect(db.teams.get(row.id)).toEqual(row);
});

test('teams are found by id, name and slug, whatever the case of the slug', () => {
  using db = memoryDatabase();
  const row = db.teams.insert(team('alpha', { name: 'Alpha' }));
  expect(db.teams.findByName(org, 'Alpha')).toEqual(row);
  expect(db.teams.findByName(org, 'alpha')).toBeUndefined();
  expect(db.teams.findByName('another org', 'Alpha')).toBeUndefined();
  expect(db.teams.findBySlug('ALPHA')).toEqual(row);
  expect(db.teams.findBySlug('beta')).toBeUndefined();
  expect(db.teams.get('no such id')).toBeUndefined();
});

test('teams are listed in the order of insertion, by organisation', () => {
  using db = memoryDatabase();
  for (const slug of ['c', 'a', 'b']) db.teams.insert(team(slug));
  db.teams.insert(team('d', { org_id: 'another org' }));
  expect(db.teams.list(org).map((row) => row.slug)).toEqual(['c', 'a', 'b']);
  expect(db.teams.all().map((row) => row.slug)).toEqual(['c', 'a', 'b', 'd']);
});

test.each([
  ['name', team('other', { name: 'alpha' })],
  ['slug', team('ALPHA', { name: 'other' })],
])('a taken %s is a conflict', (field, values) => {
  using db = memoryDatabase();
  db.teams.insert(team('alpha'));
  expect(() => db.teams.insert(values)).toThrow(
    expect.objectContaining({ code: 'TEAM_NAME_TAKEN', message: 'team name already exists', details: { field } }),
  );
  expect(db.teams.all()).toHaveLength(1);
});

test('the same name is free in another organisation', () => {
  using db = memoryDatabase();
  db.teams.insert(team('alpha'));
  expect(db.teams.insert(team('alpha-2', { name: 'alpha', org_id: 'another org' })).name).toBe('alpha');
});

test('an update changes what it names and nothing else', () => {
  using db = memoryDatabase();
  const before = db.teams.insert(team('alpha', { description: 'kept' }));
  const after = db.teams.update(before.id, { name: 'Beta', description: undefined, mcp_servers: [] });
  expect(after).toMatchObject({ name: 'Beta', slug: 'alpha', description: 'kept', mcp_servers: [] });
  expect(db.teams.get(before.id)).toEqual(after);
  expect(db.teams.update(before.id, {})).toMatchObject({ name: 'Beta', nats_token: 'token of alpha' });
  expect(db.teams.update(before.id, { nats_token: 'new' })?.nats_token).toBe('new');
  expect(db.teams.update('no such id', { name: 'x' })).toBeUndefined();
});

test('an update to a taken name is a conflict', () => {
  using db = memoryDatabase();
  db.teams.insert(team('alpha'));
  const beta = db.teams.insert(team('beta'));
  expect(() => db.teams.update(beta.id, { name: 'alpha' })).toThrow(
    expect.objectContaining({ code: 'TEAM_NAME_TAKEN' }),
  );
  expect(db.teams.get(beta.id)?.name).toBe('beta');
});

test('the status changes only from an expected one', () => {
  using db = memoryDatabase();
  const { id } = db.teams.insert(team('alpha'));
  expect(db.teams.setStatus(id, 'deploying', '', { from: ['stopped', 'error'] })).toBe(true);
  expect(db.teams.setStatus(id, 'deploying', 'again', { from: ['stopped', 'error'] })).toBe(false);
  expect(db.teams.get(id)).toMatchObject({ status: 'deploying', status_message: '' });
  expect(db.teams.setStatus(id, 'error', 'why')).toBe(true);
  expect(db.teams.get(id)).toMatchObject({ status: 'error', status_message: 'why' });
  expect(db.teams.setStatus(id, 'running', '', { from: [] })).toBe(false);
  expect(db.teams.setStatus('no such id', 'error', '')).toBe(false);
});

test('deleting a team deletes its agents and messages, and only its', () => {
  using db = memoryDatabase();
  const gone = db.teams.insert(team('gone'));
  const kept = db.teams.insert(team('kept'));
  for (const { id } of [gone, kept]) {
    db.agents.insert(agent(id, 'leader'));
    db.messages.insert(message(id, `message of ${id}`));
  }
  expect(db.teams.delete(gone.id)).toBe(true);
  expect(db.teams.delete(gone.id)).toBe(false);
  expect(db.agents.listByTeams([gone.id, kept.id]).map((row) => row.team_id)).toEqual([kept.id]);
  expect(db.messages.get(`message of ${gone.id}`)).toBeUndefined();
  expect(db.messages.get(`message of ${kept.id}`)).toBeDefined();
});

test('teams are counted by status, zeros included', () => {
  using db = memoryDatabase();
  db.teams.insert(team('a'));
  db.teams.insert(team('b', { status: 'running' }));
  db.teams.insert(team('c', { status: 'running' }));
  expect(db.teams.countByStatus()).toEqual({ stopped: 1, deploying: 0, running: 2, error: 0 });
});
