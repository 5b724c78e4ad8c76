import { expect, test } from 'vitest';
import { agent, memoryDatabase, team } from './fixtures.ts';

const turn = {
  usage: { input_tokens: 10, output_tokens: 20, cache_creation_input_tokens: 30, cache_read_input_tokens: 40 },
  cost_usd: 0.25,
};

test('a new agent has the defaults of the wire', () => {
  using db = memoryDatabase();
  const { id: teamId } = db.teams.insert(team('alpha'));
  const row = db.agents.insert(agent(teamId, 'leader', { role: 'leader', permissions: { allowed_tools: ['Read'] } }));
  expect(row).toMatchObject({
    team_id: teamId,
    role: 'leader',
    specialty: '',
    skills: null,
    permissions: { allowed_tools: ['Read'] },
    resources: null,
    container_id: '',
    container_status: 'stopped',
    sub_agent_model: 'inherit',
    skill_statuses: null,
    turns: 0,
  });
  expect(db.agents.get(teamId, row.id)).toEqual(row);
  expect(db.agents.get('another team', row.id)).toBeUndefined();
  expect(db.agents.insert(agent(teamId, 'worker')).role).toBe('worker');
});

test('agents are listed in the order of insertion', () => {
  using db = memoryDatabase();
  const [a, b] = [db.teams.insert(team('a')), db.teams.insert(team('b'))];
  for (const slug of ['z', 'y']) for (const { id } of [a, b]) db.agents.insert(agent(id, slug));
  expect(db.agents.listByTeam(a.id).map((row) => row.slug)).toEqual(['z', 'y']);
  expect(db.agents.listByTeams([a.id, b.id]).map((row) => row.slug)).toEqual(['z', 'z', 'y', 'y']);
  expect(db.agents.listByTeams([])).toEqual([]);
});

test.each([
  ['name', { name: 'LEADER', slug: 'other' }],
  ['slug', { name: 'other', slug: 'LEADER' }],
])('a %s that is taken in the team, whatever its case, is a conflict', (field, values) => {
  using db = memoryDatabase();
  const [a, b] = [db.teams.insert(team('a')), db.teams.insert(team('b'))];
  db.agents.insert(agent(a.id, 'leader'));
  const conflict = expect.objectContaining({
    code: 'AGENT_NAME_TAKEN',
    message: 'agent name already exists in this team',
    details: { field },
  });
  expect(() => db.agents.insert(agent(a.id, 'x', values))).toThrow(conflict);
  expect(db.agents.insert(agent(b.id, 'x', values)).team_id).toBe(b.id);
});

test('an agent of an unknown team is refused', () => {
  using db = memoryDatabase();
  expect(() => db.agents.insert(agent('no such team', 'leader'))).toThrow(
    expect.objectContaining({ code: 'TEAM_NOT_FOUND' }),
  );
});

test('an update changes what it names; a taken name is a conflict', () => {
  using db = memoryDatabase();
  const { id: teamId } = db.teams.insert(team('alpha'));
  const leader = db.agents.insert(agent(teamId, 'leader', { specialty: 'kept' }));
  const worker = db.agents.insert(agent(teamId, 'worker'));
  expect(db.agents.update(leader.id, { name: 'Leader', skills: ['a'] })).toMatchObject({
    name: 'Leader',
    slug: 'leader',
    specialty: 'kept',
    skills: ['a'],
  });
  expect(db.agents.update(leader.id, {})?.name).toBe('Leader');
  expect(() => db.agents.update(worker.id, { name: 'LEADER' })).toThrow(
    expect.objectContaining({ code: 'AGENT_NAME_TAKEN' }),
  );
  expect(db.agents.update('no such id', { name: 'x' })).toBeUndefined();
});

test('an agent is deleted once', () => {
  using db = memoryDatabase();
  const { id: teamId } = db.teams.insert(team('alpha'));
  const { id } = db.agents.insert(agent(teamId, 'leader'));
  expect(db.agents.delete(id)).toBe(true);
  expect(db.agents.delete(id)).toBe(false);
});

test('the container is set when it differs', () => {
  using db = memoryDatabase();
  const { id: teamId } = db.teams.insert(team('alpha'));
  const { id } = db.agents.insert(agent(teamId, 'leader'));
  expect(db.agents.setContainer(id, { container_id: '42', container_status: 'running' })).toBe(true);
  expect(db.agents.setContainer(id, { container_id: '42', container_status: 'running' })).toBe(false);
  expect(db.agents.setContainer(id, { container_id: '42', container_status: 'error' })).toBe(true);
  expect(db.agents.setContainer('no such id', { container_id: '', container_status: 'error' })).toBe(false);
  expect(db.agents.get(teamId, id)).toMatchObject({ container_id: '42', container_status: 'error' });
  expect(db.agents.countByStatus()).toEqual({ stopped: 0, running: 0, error: 1 });
});

test('turns add up on the agent and on its team', () => {
  using db = memoryDatabase();
  const { id: teamId } = db.teams.insert(team('alpha'));
  const [leader, worker] = [db.agents.insert(agent(teamId, 'leader')), db.agents.insert(agent(teamId, 'worker'))];
  db.agents.addUsage(leader.id, turn);
  db.agents.addUsage(leader.id, turn);
  db.agents.addUsage(worker.id, turn);
  db.agents.addUsage('no such id', turn);
  const sum = (times: number) => ({
    input_tokens: 10 * times,
    output_tokens: 20 * times,
    cache_creation_input_tokens: 30 * times,
    cache_read_input_tokens: 40 * times,
    cost_usd: 0.25 * times,
    turns: times,
  });
  expect(db.agents.get(teamId, leader.id)).toMatchObject(sum(2));
  expect(db.agents.get(teamId, worker.id)).toMatchObject(sum(1));
  expect(db.teams.get(teamId)).toMatchObject(sum(3));
});
