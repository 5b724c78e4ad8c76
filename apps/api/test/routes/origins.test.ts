import { request } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp, type TestAppOptions } from '../support/test-app.ts';

let app: TestApp;
afterEach(() => app.close());

async function start(options: TestAppOptions): Promise<void> {
  app = await startTestApp(options);
}

const from = (origin: string, more: Record<string, string> = {}) => ({ headers: { origin, ...more } });

function preflight(origin: string) {
  return app.client.send(
    'OPTIONS',
    '/api/teams/x',
    from(origin, { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'content-type' }),
  );
}

/** `fetch` does not let go of the host header. */
function statusForHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: app.port, host: '127.0.0.1', path: '/health', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

function openSocket(origin: string): Promise<'open' | number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ws/teams/x/activity`, { origin });
    socket.on('open', () => resolve('open'));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode);
      socket.terminate();
    });
    socket.on('error', reject);
  });
}

describe('every origin allowed', () => {
  test('a preflight is answered 204 with all methods', async () => {
    await start({ corsOrigins: ['*'] });
    const { status, headers, text } = await preflight('https://app.example');
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')?.split(/, ?/)).toEqual(
      expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
    );
    expect(headers.get('access-control-allow-headers')?.split(/, ?/)).toEqual(
      expect.arrayContaining(['Origin', 'Content-Type', 'Accept', 'Authorization', 'Idempotency-Key']),
    );
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('answers and errors carry the header', async () => {
    await start({ corsOrigins: ['*'] });
    for (const path of ['/api/teams', '/api/teams/x', '/nowhere']) {
      const { headers } = await app.client.send('GET', path, from('https://app.example'));
      expect(headers.get('access-control-allow-origin')).toBe('*');
    }
    expect(await openSocket('https://app.example')).toBe('open');
  });
});

describe('a list of origins', () => {
  test('lets those in that are on it', async () => {
    await start({ corsOrigins: ['https://app.example', 'loopback'] });
    const here = ['http://localhost:5173', 'http://app.localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:80'];
    for (const origin of ['https://app.example', ...here]) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(origin);
      const { status, headers } = await app.client.send('GET', '/api/teams', from(origin));
      expect({ origin, status }).toEqual({ origin, status: 200 });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toMatch(/origin/i);
    }
    expect(await openSocket('http://localhost:5173')).toBe('open');
  });

  test('keeps all others out, WebSockets too', async () => {
    await start({ corsOrigins: ['https://app.example', 'loopback'] });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost.evil.example',
      'http://evillocalhost',
      'https://app.example:444',
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await app.client.send(method, '/api/teams', from(origin));
        expectError(answer, 403, 'ORIGIN_NOT_ALLOWED', origin);
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
      expect(await openSocket(origin)).toBe(403);
    }
    expect((await app.client.get('/api/teams')).body).toEqual([]);
  });

  test('does not keep a page out that the server itself serves', async () => {
    await start({ corsOrigins: [] });
    expect(await app.client.send('GET', '/api/teams', from(app.url))).toMatchObject({ status: 200 });
    expectError(await app.client.send('GET', '/api/teams', from('http://127.0.0.1:1')), 403, 'ORIGIN_NOT_ALLOWED');
  });
});

describe('with sign-in', () => {
  test('a preflight needs no token, and the answer to a stranger can be read', async () => {
    await start({ corsOrigins: ['https://app.example'], auth: { provider: 'local' } });
    const { status, headers } = await preflight('https://app.example');
    expect({ status, origin: headers.get('access-control-allow-origin') }).toEqual({
      status: 204,
      origin: 'https://app.example',
    });
    const refused = await app.client.send('GET', '/api/teams', from('https://app.example'));
    expectError(refused, 401, 'UNAUTHENTICATED');
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/Retry-After/i);
    expectError(await app.client.send('GET', '/api/teams', from('https://evil.example')), 403, 'ORIGIN_NOT_ALLOWED');
  });
});

describe('the host', () => {
  test('must be local when only this machine can reach the server', async () => {
    await start({ onLoopback: true });
    for (const host of ['127.0.0.1', 'localhost:8080', '[::1]:8080', 'crew.localhost']) {
      expect({ host, status: await statusForHost(host) }).toEqual({ host, status: 200 });
    }
    for (const host of ['evil.example', 'localhost.evil.example:8080', 'a b']) {
      expect({ host, status: await statusForHost(host) }).toEqual({ host, status: 421 });
    }
  });

  test('may be any when others can reach the server', async () => {
    await start({ onLoopback: false });
    expect(await statusForHost('crew.example')).toBe(200);
  });
});
