import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { CrewError } from '@agentcrew/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { agentWorkspace } from '../support/agent-workspace.ts';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
let team: { id: string; slug: string };
let bus: FakeBus;
let workspace: Awaited<ReturnType<typeof agentWorkspace>>;

beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
beforeEach(async () => {
  team = await app.client.createRunningTeam();
  bus = buses.of(team.slug);
  workspace = await agentWorkspace();
  bus.answer = workspace.answer;
});
afterEach(async () => {
  await app.clear();
  await workspace[Symbol.asyncDispose]();
});
afterAll(() => app.close());

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();
const list = (parameters: Record<string, string> = {}) =>
  app.client.get(`/api/teams/${team.id}/files?${query(parameters)}`);
const contentUrl = (path: string) => `/api/teams/${team.id}/files/content?${query({ path })}`;
const download = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  app.client.send(method, contentUrl(path), { headers });

describe('a folder', () => {
  test('is listed with the paths of what is in it', async () => {
    mkdirSync(workspace.in('sub/deep'), { recursive: true });
    writeFileSync(workspace.in('sub/a.txt'), 'hello');
    symlinkSync('a.txt', workspace.in('sub/link'));
    const modified = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(await list()).toMatchObject({
      status: 200,
      body: {
        path: '',
        truncated: false,
        entries: [{ name: 'sub', path: 'sub', type: 'folder', size: null, modified }],
      },
    });
    for (const path of ['sub', 'sub/', './sub//.']) {
      expect((await list({ path })).body).toEqual({
        path: 'sub',
        truncated: false,
        entries: [
          { name: 'deep', path: 'sub/deep', type: 'folder', size: null, modified },
          { name: 'a.txt', path: 'sub/a.txt', type: 'file', size: 5, modified },
          { name: 'link', path: 'sub/link', type: 'link', size: null, modified },
        ],
      });
    }
  });

  test('that is large comes in pages', async () => {
    for (let n = 0; n < 1001; n += 1) writeFileSync(workspace.in(`f${n}`), '');
    const { body } = await list();
    expect([body.entries.length, body.truncated]).toEqual([1000, true]);
    expect((await list({ offset: '1000' })).body).toMatchObject({ entries: [{ name: 'f999' }], truncated: false });
    for (const offset of ['-1', 'x', '']) expectError(await list({ offset }), 400, 'INVALID_REQUEST', 'offset');
  });

  test('may be that of another agent', async () => {
    for (const agent of [undefined, 'worker']) expect((await list(agent ? { agent } : {})).status).toBe(200);
    expect(bus.requests.map(({ agent }) => agent)).toEqual(['Lead', 'Worker']);
    expectError(await list({ agent: 'nobody' }), 404, 'AGENT_NOT_FOUND', 'agent not found');
    await app.client.post(`/api/teams/${team.id}/agents`, { name: 'late' });
    expectError(await list({ agent: 'late' }), 409, 'AGENT_NOT_RUNNING');
  });
});

describe('a file', () => {
  test('is sent with its size, as an attachment that no browser runs', async () => {
    writeFileSync(workspace.in('résumé 大.HTML'), '<script>alert(1)</script>');
    utimesSync(workspace.in('résumé 大.HTML'), 1_769_860_800, 1_769_860_800);
    const { status, text, headers } = await download('résumé 大.HTML');
    expect([status, text]).toEqual([200, '<script>alert(1)</script>']);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '25',
      'content-disposition': `attachment; filename="r?sum? ?.HTML"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%E5%A4%A7.HTML`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'last-modified': 'Sat, 31 Jan 2026 12:00:00 GMT',
      etag: expect.stringMatching(/^"[\w-]+"$/),
    });
  });

  test.each([
    ['a.txt', 'text/plain; charset=utf-8'],
    ['a.PNG', 'image/png'],
    ['a.svg', 'application/octet-stream'],
    ['none', 'application/octet-stream'],
    ['line\nend "quote"', 'application/octet-stream'],
  ])('%j is of type %s', async (name, type) => {
    writeFileSync(workspace.in(name), 'x');
    const { status, headers } = await download(name);
    expect([status, headers.get('content-type')]).toEqual([200, type]);
  });

  test('of many parts comes whole, or in the part that is asked for', async () => {
    const data = Buffer.alloc(1_000_003, 'The quick brown fox. ');
    writeFileSync(workspace.in('large'), data);
    const whole = await download('large');
    expect(whole.text === data.toString()).toBe(true);
    const etag = whole.headers.get('etag') ?? '';
    const part = await download('large', { range: 'bytes=300000-900000', 'if-range': etag });
    expect([part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([
      206,
      'bytes 300000-900000/1000003',
      '600001',
    ]);
    expect(part.text === data.toString('utf8', 300_000, 900_001)).toBe(true);
    expect((await download('large', { range: 'bytes=-5' })).text).toBe(data.toString('utf8', 999_998));
    expect((await download('large', { range: 'bytes=0-0', 'if-range': '"old"' })).status).toBe(200);
  });

  test('that has changed has another ETag', async () => {
    writeFileSync(workspace.in('a'), 'one');
    const etag = (await download('a')).headers.get('etag') ?? '';
    const same = await download('a', { 'if-none-match': etag });
    expect([same.status, same.text]).toEqual([304, '']);
    writeFileSync(workspace.in('a'), 'two');
    const range = { range: 'bytes=0-0', 'if-range': etag };
    expect(await download('a', range)).toMatchObject({ status: 200, text: 'two' });
    expect(await download('a', { 'if-none-match': etag })).toMatchObject({ status: 200, text: 'two' });
  });

  test('has no bytes behind its end', async () => {
    for (const [name, size] of Object.entries({ five: 5, empty: 0 })) {
      writeFileSync(workspace.in(name), 'x'.repeat(size));
      const answer = await download(name, { range: 'bytes=5-' });
      expectError(answer, 416, 'RANGE_NOT_SATISFIABLE');
      expect(answer.headers.get('content-range')).toBe(`bytes */${size}`);
    }
    expect(await download('empty')).toMatchObject({ status: 200, text: '' });
  });

  test('is asked about with HEAD without being read', async () => {
    writeFileSync(workspace.in('a'), 'x'.repeat(600_000));
    const { status, text, headers } = await download('a', { range: 'bytes=0-1' }, 'HEAD');
    expect([status, text, headers.get('content-length'), headers.get('accept-ranges')]).toEqual([
      200,
      '',
      '600000',
      'bytes',
    ]);
    expect(bus.requests.map(({ request }) => request)).toMatchObject([{ type: 'read_file', offset: 0, length: 0 }]);
    expect((await download('none', {}, 'HEAD')).status).toBe(404);
  });

  test.each([
    ['is replaced', () => renameSync(workspace.in('other'), workspace.in('a'))],
    ['becomes shorter', () => truncateSync(workspace.in('a'), 300_000)],
    ['is deleted', () => execFileSync('rm', [workspace.in('a')])],
  ])('that %s while it is sent breaks off', async (_what, change) => {
    for (const name of ['a', 'other']) writeFileSync(workspace.in(name), name.repeat(1_000_000));
    bus.onRequest = (asked) => {
      if (asked.type === 'read_file' && asked.offset > 300_000) change();
      bus.onRequest = asked.type === 'read_file' && asked.offset > 300_000 ? () => undefined : bus.onRequest;
    };
    await expect(download('a')).rejects.toThrow();
    bus.onRequest = () => undefined;
  });

  test('that grows while it is sent comes as it was', async () => {
    writeFileSync(workspace.in('log'), 'x'.repeat(600_000));
    bus.onRequest = () => writeFileSync(workspace.in('log'), 'more', { flag: 'a' });
    const { status, text } = await download('log');
    bus.onRequest = () => undefined;
    expect([status, /^x{600000}/.test(text)]).toEqual([200, true]);
  });
});

describe('refused is', () => {
  test('what is not in the workspace', async () => {
    symlinkSync('/etc', workspace.in('out'));
    for (const path of ['..', '../x', 'a/../../x', '/etc/passwd', 'out', 'out/passwd', 'a\0b']) {
      for (const answer of [await list({ path }), await download(path)]) {
        expectError(answer, 400, 'INVALID_REQUEST', /path (leads out of|must be relative to) the workspace/);
      }
    }
  });

  test('what is not there, or something else', async () => {
    mkdirSync(workspace.in('folder'));
    writeFileSync(workspace.in('file'), '');
    execFileSync('mkfifo', [workspace.in('pipe')]);
    expectError(await list({ path: 'none' }), 404, 'FILE_NOT_FOUND', 'file not found');
    expectError(await download('none'), 404, 'FILE_NOT_FOUND', 'file not found');
    expectError(await list({ path: 'file' }), 400, 'INVALID_REQUEST', 'path is not a folder');
    expectError(await download('folder'), 400, 'INVALID_REQUEST', 'path is a folder');
    expectError(await download('pipe'), 400, 'INVALID_REQUEST', 'path is neither a file nor a folder');
    expectError(
      await app.client.get(`/api/teams/${team.id}/files/content`),
      400,
      'INVALID_REQUEST',
      'path is required',
    );
    expectError(await download(''), 400, 'INVALID_REQUEST', 'path is required');
    expectError(await list({ path: 'x'.repeat(5000) }), 400, 'INVALID_REQUEST', 'path');
  });

  test('an unknown team, one that does not run, and an agent that is away', async () => {
    bus.onRequest = () => {
      throw new CrewError('AGENT_NOT_READY', 'away');
    };
    for (const answer of [await list(), await download('a')]) {
      expectError(answer, 409, 'AGENT_NOT_RUNNING', 'the agent cannot be reached: away');
    }
    bus.onRequest = () => undefined;
    await app.client.post(`/api/teams/${team.id}/stop`);
    for (const answer of [await list(), await download('a'), await download('')]) {
      expectError(answer, 409, 'TEAM_NOT_RUNNING', 'team is not running');
    }
    team = { ...team, id: 'x' };
    for (const answer of [await list(), await download('a')]) expectError(answer, 404, 'TEAM_NOT_FOUND');
  });
});
