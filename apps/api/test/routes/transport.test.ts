import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newTeam } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const unknownId = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

describe('an empty body with a JSON content type', () => {
  test('is no body where none is needed', async () => {
    const { id } = await app.client.createTeam();
    const headers = { 'content-type': 'application/json' };
    expect(await app.client.send('POST', `/api/teams/${id}/deploy`, { headers })).toMatchObject({ status: 200 });
    await app.client.until(id, 'running');
    expect(await app.client.send('POST', `/api/teams/${id}/stop`, { headers, raw: '' })).toMatchObject({ status: 200 });
    expect(await app.client.send('DELETE', `/api/teams/${id}`, { headers })).toMatchObject({ status: 204, text: '' });
  });

  test.each([
    ['POST', '/api/teams'],
    ['PUT', '/api/settings'],
  ])('is refused where one is needed: %s %s', async (method, path) => {
    for (const raw of ['', ' \r\n']) {
      expectError(await app.client.send(method, path, { raw }), 400, 'INVALID_REQUEST', 'invalid request body');
    }
  });

  test('is refused when a team or an agent is changed or added, or a message sent', async () => {
    const { id, agents } = await app.client.createRunningTeam();
    for (const [method, path] of [
      ['PUT', ''],
      ['POST', '/agents'],
      ['PUT', `/agents/${agents[0].id}`],
      ['POST', '/chat'],
    ] as const) {
      expectError(await app.client.send(method, `/api/teams/${id}${path}`), 400, 'INVALID_REQUEST');
    }
  });

  test('is answered 404, not 400, for an unknown team', async () => {
    expectError(await app.client.put(`/api/teams/${unknownId}`), 404, 'TEAM_NOT_FOUND', 'team not found');
    expectError(await app.client.post(`/api/teams/${unknownId}/chat`), 404, 'TEAM_NOT_FOUND', 'team not found');
  });
});

test('a body of null is no body', async () => {
  expectError(await app.client.post('/api/teams', null), 400, 'INVALID_REQUEST', 'invalid request body');
  expectError(await app.client.put('/api/settings', null), 400, 'INVALID_REQUEST', 'invalid request body');
  const { id } = await app.client.createTeam();
  expect(await app.client.send('POST', `/api/teams/${id}/deploy`, { raw: 'null' })).toMatchObject({ status: 200 });
  await app.client.until(id, 'running');
});

test('fields of null are absent, at creation and in a change', async () => {
  const team = await app.client.createTeam({ description: null, mcp_servers: null, workspace_path: null });
  expect(team).toMatchObject({ description: '', mcp_servers: null, workspace_path: '' });
  await app.client.put(`/api/teams/${team.id}`, { description: 'kept' });
  const { body } = await app.client.put(`/api/teams/${team.id}`, { name: null, description: null });
  expect(body).toMatchObject({ name: team.name, description: 'kept' });
  expectError(await app.client.post('/api/teams', { name: null }), 400, 'INVALID_REQUEST', 'name is required');
});

test('unknown keys are ignored', async () => {
  const { status, body } = await app.client.post('/api/teams', { ...newTeam(), status: 'running', colour: 'red' });
  expect({ status, of: body.status, colour: body.colour }).toEqual({ status: 201, of: 'stopped', colour: undefined });
});

describe('paths', () => {
  test.each(['/health', '/ready', '/api/teams', '/api/settings', '/api/auth/me'])(
    '%s in any case, with and without a slash at the end',
    async (path) => {
      for (const one of [path, `${path}/`, path.toUpperCase(), `${path.toUpperCase()}/?x=1`]) {
        expect({ one, status: (await app.client.get(one)).status }).toEqual({ one, status: 200 });
      }
    },
  );

  test('ids keep their case', async () => {
    const { id } = await app.client.createTeam();
    expect((await app.client.get(`/API/Teams/${id}/Agents/`)).body).toHaveLength(2);
    expectError(await app.client.get(`/api/teams/${id.toUpperCase()}`), 404, 'TEAM_NOT_FOUND');
  });

  test.each([
    ['GET', '/'],
    ['GET', '/api'],
    ['GET', '/api/team'],
    ['POST', '/api/teams/x/restart'],
    ['GET', '/api/teams/x/agents/y/z'],
    ['DELETE', '/nothing/here?a=b'],
    ['GET', '/__proto__'],
    ['GET', '/api/teams/a%2Fb/unknown'],
  ])('unknown: %s %s', async (method, path) => {
    expectError(await app.client.send(method, path), 404, 'NOT_FOUND', `Cannot ${method} ${path.split('?')[0]}`);
  });

  test('are refused without a look at their bodies', async () => {
    expectError(await app.client.send('POST', '/nothing/here', { raw: '{' }), 404, 'NOT_FOUND');
    expectError(await app.client.send('PATCH', '/api/teams', { raw: '{' }), 405, 'METHOD_NOT_ALLOWED');
  });

  test.each([
    ['PATCH', '/api/teams', ['GET', 'HEAD', 'POST']],
    ['PUT', '/api/teams/', ['GET', 'HEAD', 'POST']],
    ['POST', '/API/TEAMS/x', ['GET', 'HEAD', 'PUT', 'DELETE']],
    ['GET', '/api/teams/x/deploy', ['POST']],
    ['POST', '/api/settings', ['GET', 'HEAD', 'PUT']],
    ['GET', '/api/settings/KEY', ['DELETE']],
    ['DELETE', '/health', ['GET', 'HEAD']],
  ])('with another method: %s %s', async (method, path, allowed) => {
    const answer = await app.client.send(method, path);
    expectError(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allowed.sort());
  });

  test.each(['/api/teams/%zz', '/%', '/api/settings/%E0%A4%A', '/api/teams/%C3%28'])(
    'that cannot be decoded: %s',
    async (path) => {
      expectError(await app.client.get(path), 400, 'INVALID_REQUEST');
    },
  );

  test('that are endless', async () => {
    expectError(await app.client.get(`/api/teams/${'x'.repeat(10_000)}`), 400, 'INVALID_REQUEST');
    expectError(await app.client.get(`/api/teams/${'x'.repeat(4000)}`), 404, 'TEAM_NOT_FOUND');
  });

  test.each([
    '/ws',
    '/ws/teams/x/activity',
    '/ws/teams/x/logs',
    '/ws/teams/x/logs/y',
    '/WS/teams/x/activity/',
    '/ws/?a=b',
  ])('of WebSockets without an upgrade: %s', async (path) => {
    expectError(await app.client.get(path), 426, 'UPGRADE_REQUIRED', 'Upgrade Required');
  });
});

describe('content types', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])('%s is read', async (type) => {
    const answer = await app.client.send('POST', '/api/teams', { body: newTeam(), headers: { 'content-type': type } });
    expect(answer.status).toBe(201);
  });

  test.each(['application/xml', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense'])(
    '%s is not',
    async (type) => {
      const answer = await app.client.send('POST', '/api/teams', {
        raw: JSON.stringify(newTeam()),
        headers: { 'content-type': type },
      });
      expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send application/json');
    },
  );
});

test('an empty form where no body is needed is no body', async () => {
  const { body: team } = await app.client.send('POST', '/api/teams', { body: newTeam() });
  const answer = await app.client.send('POST', `/api/teams/${(team as { id: string }).id}/deploy`, {
    raw: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(answer.status).toBe(200);
});

describe('request ids', () => {
  test('are made when there is none', async () => {
    const ids = await Promise.all([app.client.get('/health'), app.client.get('/nowhere')]);
    for (const { headers } of ids) {
      expect(headers.get('x-request-id')).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
    expect(ids[0].headers.get('x-request-id')).not.toBe(ids[1].headers.get('x-request-id'));
  });

  test.each(['/health', '/nowhere', '/api/teams/x', '/api/teams/%zz'])('are echoed by %s', async (path) => {
    const { headers, body, status } = await app.client.send('GET', path, { headers: { 'x-request-id': 'mine-42' } });
    expect(headers.get('x-request-id')).toBe('mine-42');
    if (status !== 200) expect(body.request_id).toBe('mine-42');
  });
});

test('HEAD answers like GET without a body', async () => {
  const answer = await app.client.send('HEAD', '/api/teams');
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '' });
});

/** Everything the server sends on one raw connection. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(app.port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('what is not HTTP', () => {
  test.each([
    ['no request', 'what is this\r\n\r\n', 400],
    ['a header too large', `GET /health HTTP/1.1\r\nhost: x\r\nbig: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
    ['an unknown method', 'BREW /health HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ])('%s is answered in the error form', async (_what, bytes, status) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(body).toEqual({ error: expect.any(String), code: 'INVALID_REQUEST', request_id: expect.any(String) });
  });
});
