import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { owner, startLocalApp } from '../support/accounts.ts';
import { contents } from '../support/contents.ts';
import { openSocket, refusal } from '../support/sockets.ts';
import { mark, type TwoOrganisations, twoOrganisations } from '../support/two-organisations.ts';

/** Routes of strangers: the identity of whoever asks does not matter. */
const publicRoutes = [
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/js/scalar.js',
  'GET /health',
  'GET /ready',
  'GET /api/auth/config',
  'POST /api/auth/login',
  'POST /api/auth/register',
  'POST /api/auth/register/invite',
  'POST /api/auth/refresh',
  'GET /api/auth/invite/:token',
  'POST /webhook/trigger/:token',
];

interface Route {
  name: string;
  method: string;
  pattern: string;
}

let orgs: TwoOrganisations;
let routes: Route[];
beforeAll(async () => {
  orgs = await twoOrganisations();
  routes = orgs.app.routes().map((name) => {
    const [method = '', pattern = ''] = name.split(' ');
    return { name, method, pattern };
  });
});
afterAll(() => orgs.app.close());

const guarded = () => routes.filter(({ name }) => !publicRoutes.includes(name));
const isSocket = ({ pattern }: Route) => pattern.startsWith('/ws/');
const namesRow = ({ pattern }: Route) => pattern.includes(':');

test('the list of routes is whole', () => {
  expect(routes.length).toBeGreaterThan(50);
  expect(routes.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'DELETE /api/teams/:id/agents/:agentId',
      'GET /ws/teams/:id/logs/:agentId',
      'GET /metrics',
    ]),
  );
});

describe('a stranger', () => {
  test('gets 401 from every route', async () => {
    for (const { name, method, pattern } of guarded().filter((route) => !isSocket(route))) {
      const { status, body } = await orgs.app.client.send(method, orgs.pathOf(pattern));
      expect({ name, status, code: body.code }).toEqual({ name, status: 401, code: 'UNAUTHENTICATED' });
    }
  });

  test('gets 401 from every WebSocket, before the upgrade', async () => {
    for (const { pattern } of guarded().filter(isSocket))
      expect(await refusal(orgs.app.port, orgs.pathOf(pattern))).toMatchObject({ status: 401 });
  });
});

describe('the admin of another organisation', () => {
  test('gets 404 for whatever a path names, and changes nothing', async () => {
    const before = contents(orgs.app.db);
    const rows = guarded().filter((route) => namesRow(route) && !isSocket(route));
    expect(rows.length).toBeGreaterThan(20);
    for (const { name, method, pattern } of rows) {
      const options = method === 'GET' ? {} : { body: {} };
      const { status, text } = await orgs.other.client.send(method, orgs.pathOf(pattern), options);
      expect({ name, status, text }).toEqual({ name, status: 404, text: expect.not.stringContaining(mark) });
    }
    expect(contents(orgs.app.db)).toEqual(before);
  });

  test('hears from every WebSocket that there is no such team', async () => {
    const { other, app, pathOf } = orgs;
    for (const { pattern } of guarded().filter(isSocket)) {
      const socket = await openSocket(app.port, `${pathOf(pattern)}?since=0&token=${other.access_token}`);
      expect(await socket.closed).toMatchObject({ code: 1008 });
      expect(socket.frames).toEqual([{ error: 'team not found' }]);
    }
  });

  test('sees nothing in any list', async () => {
    for (const { name, pattern } of guarded().filter((route) => route.method === 'GET' && !namesRow(route))) {
      const { status, text } = await orgs.other.client.get(pattern);
      const expected = pattern === '/metrics' ? 403 : 200;
      expect({ name, status, text }).toEqual({ name, status: expected, text: expect.not.stringContaining(mark) });
    }
  });
});

test('whoever it belongs to sees it: the paths above lead somewhere', async () => {
  const readable = guarded().filter((route) => route.method === 'GET' && !isSocket(route));
  for (const { name, pattern } of readable) {
    const { status } = await orgs.acme.client.get(orgs.pathOf(pattern));
    // What only a running agent can tell is not to be had here.
    expect({ name, found: status !== 404 && status !== 401 && status !== 403 }).toEqual({ name, found: true });
  }
  for (const { pattern } of guarded().filter(isSocket)) {
    const socket = await openSocket(orgs.app.port, `${orgs.pathOf(pattern)}?token=${orgs.acme.access_token}`);
    expect(socket.frames).not.toContainEqual({ error: 'team not found' });
    socket.close();
  }
});

test('two organisations may have teams and settings of the same name, whose resources never meet', async () => {
  await using app = await startLocalApp({ workspaceRoots: ['/tmp'] });
  const [one, two] = [await owner(app), await owner(app)];
  const teams = [];
  for (const { client } of [one, two]) {
    teams.push(await client.createTeam({ name: 'alpha' }));
    await client.put('/api/settings', { key: 'NAME', value: client === one.client ? 'one' : 'two' });
  }
  expect(new Set(teams.map(({ slug }) => slug.toLowerCase())).size).toBe(2);
  expect(teams.map(({ name }) => name)).toEqual(['alpha', 'alpha']);
  expect((await one.client.get('/api/settings')).body).toMatchObject([{ key: 'NAME', value: 'one' }]);
  expect((await two.client.get('/api/settings')).body).toMatchObject([{ key: 'NAME', value: 'two' }]);
  expect((await two.client.get('/api/teams')).body.map(({ id }: { id: string }) => id)).toEqual([teams[1].id]);
  expect(await one.client.put(`/api/teams/${teams[0].id}`, { workspace_path: '/tmp' })).toMatchObject({ status: 200 });
  expect(await two.client.put(`/api/teams/${teams[1].id}`, { workspace_path: '/tmp' })).toMatchObject({ status: 400 });
});
