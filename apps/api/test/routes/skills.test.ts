import { CrewError, type Envelope } from '@agentcrew/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
let team: { id: string; slug: string; agents: { id: string; slug: string }[] };
let bus: FakeBus;
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
beforeEach(async () => {
  team = await app.client.createRunningTeam();
  bus = buses.of(team.slug);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.clear();
});
afterAll(() => app.close());

const agentPath = (rest = '', agent = team.agents[1]?.id) => `/api/teams/${team.id}/agents/${agent}${rest}`;
const skill = { repo_url: 'https://github.com/o/r', skill_name: 'alpha' };
const install = (body: object = skill, agent?: string) => app.client.post(agentPath('/skills/install', agent), body);
const agent = async () => (await app.client.get(agentPath())).body;
const told = (slug: string) =>
  bus.briefings.findLast((sent) => sent.agent === slug && sent.request.type === 'skills')?.request;
const installed = { name: 'https://github.com/o/r:alpha', status: 'installed' };

let reports = 0;
async function says(from: string, skills: object[]): Promise<void> {
  reports += 1;
  const timestamp = new Date().toISOString();
  const payload = { agent_name: from, skills };
  const type = 'skill_status' as const;
  const envelope: Envelope = { message_id: `skills-${reports}`, from, to: 'system', type, payload, timestamp };
  await (await bus.deliver(envelope, { kind: 'activity' })).done;
}

describe('installing', () => {
  test('asks the agent, stores the skill, and tells its state', async () => {
    bus.answer = () => ({ ok: true, output: 'all went well' });
    expect(await install()).toMatchObject({ status: 200, body: { output: 'all went well', updated_skills: [skill] } });
    expect(bus.requests).toEqual([{ agent: 'Worker', request: { type: 'install_skill', skill } }]);
    expect(await agent()).toMatchObject({ sub_agent_skills: [skill], skill_statuses: [installed] });
    expect(told('Worker')).toEqual({ type: 'skills', skills: [skill] });
    expect(told('Lead')).toEqual({ type: 'skills', skills: [] });

    await install();
    expect((await agent()).sub_agent_skills).toEqual([skill]);
  });

  test('takes owner/repo and git addresses, and keeps the form of the list', async () => {
    const short = { repo_url: 'owner/repo', skill_name: 's' };
    const long = { repo_url: 'https://github.com/owner/repo', skill_name: 's' };
    expect((await install(short)).body.updated_skills).toEqual([long]);
    const git = { repo_url: 'git@github.com:owner/repo.git', skill_name: '@scope/s' };
    expect((await install(git)).body.updated_skills).toEqual([long, git]);
    await app.client.put(agentPath(), { sub_agent_skills: ['note', 'owner/repo:s'] });
    expect((await install(long)).body.updated_skills).toEqual([long]);
    expect((await install(skill)).body.updated_skills).toEqual([long, skill]);
    expect((await agent()).sub_agent_skills).toEqual(['note', 'owner/repo:s', 'https://github.com/o/r:alpha']);
  });

  test('that fails is a 500 that says why', async () => {
    bus.answer = () => ({ ok: false, output: 'no such skill\n', error: 'The installer ended with exit code 1' });
    expect(await install()).toMatchObject({
      status: 500,
      body: { error: 'The installer ended with exit code 1', output: 'no such skill\n', code: 'SKILL_INSTALL_FAILED' },
    });
    expect((await agent()).sub_agent_skills).toBeNull();
    bus.answer = () => ({ ok: true });
    bus.onRequest = () => {
      throw new CrewError('AGENT_NOT_READY', 'Agent Worker did not answer');
    };
    expect(await install()).toMatchObject({ status: 500, body: { error: 'Agent Worker did not answer', output: '' } });
  });

  test('needs a team and an agent that run, before it looks at the skill', async () => {
    expectError(await install(skill, 'x'), 404, 'AGENT_NOT_FOUND');
    expectError(await app.client.post('/api/teams/x/agents/x/skills/install', {}), 404, 'TEAM_NOT_FOUND');
    const newcomer = (await app.client.post(`/api/teams/${team.id}/agents`, { name: 'newcomer' })).body.id;
    expectError(await install({}, newcomer), 409, 'AGENT_NOT_RUNNING');
    await app.client.post(`/api/teams/${team.id}/stop`);
    const answer = await install({}, 'x');
    expectError(answer, 409, 'TEAM_NOT_RUNNING');
    expect(answer.body.error).toContain('team is not running');
  });

  test.each([
    ['repo_url', { skill_name: 'alpha' }],
    ['repo_url', { ...skill, repo_url: 'http://github.com/o/r' }],
    ['repo_url', { ...skill, repo_url: '--config=x' }],
    ['repo_url', { ...skill, repo_url: 'https://user:token@github.com/o/r' }],
    ['repo_url', { ...skill, repo_url: 'https://github.com/o/r --all' }],
    ['repo_url', { ...skill, repo_url: 'https://github.com/o/r\n' }],
    ['repo_url', { ...skill, repo_url: 'https://github.com/$(id)' }],
    ['repo_url', { ...skill, repo_url: '../../etc' }],
    ['repo_url', { ...skill, repo_url: '/etc' }],
    ['repo_url', { ...skill, repo_url: 'git@host:-x y' }],
    ['repo_url', { ...skill, repo_url: 'file:///etc' }],
    ['skill_name', { ...skill, skill_name: '' }],
    ['skill_name', { ...skill, skill_name: '-y' }],
    ['skill_name', { ...skill, skill_name: 'a b' }],
    ['skill_name', { ...skill, skill_name: undefined }],
  ])('refuses a bad %s: %j', async (field, body) => {
    const answer = await install(body);
    expectError(answer, 400, 'INVALID_REQUEST');
    expect(answer.body.error).toContain(field);
    expect(bus.requests).toEqual([]);
  });
});

test('a changed list is told to the agent, and part of what it is deployed with', async () => {
  await app.client.put(agentPath(), { sub_agent_skills: [skill] });
  expect(told('Worker')).toEqual({ type: 'skills', skills: [skill] });
  await app.client.post(`/api/teams/${team.id}/stop`);
  const deployed = vi.spyOn(app.runtime, 'deployAgent');
  await app.client.post(`/api/teams/${team.id}/deploy`);
  await app.client.until(team.id, 'running');
  const skills = Object.fromEntries(deployed.mock.calls.map(([config]) => [config.agent, config.skills]));
  expect(skills).toEqual({ Lead: undefined, Worker: [skill] });
});

test('what an agent says of its skills is in its row, and in the log', async () => {
  const status = { name: 'alpha', package: installed.name, status: 'failed', error: 'no such skill' };
  await says('Worker', [status]);
  expect((await agent()).skill_statuses).toEqual([{ name: installed.name, status: 'failed', error: 'no such skill' }]);
  const { body } = await app.client.get(`/api/teams/${team.id}/activity?types=skill_status`);
  expect(body[0]).toMatchObject({ payload: { agent_name: 'Worker', skills: [status] } });
  await app.client.put(agentPath(), { sub_agent_skills: [] });
  expect((await agent()).skill_statuses).toEqual([]);
});
