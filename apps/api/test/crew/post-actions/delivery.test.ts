import type { ServerResponse } from 'node:http';
import { pauseAfter } from '@agentcrew/api/crew/post-actions/attempt.ts';
import {
  createPostActions,
  type PostActions,
  type PostActionsDeps,
} from '@agentcrew/api/crew/post-actions/post-actions.ts';
import type { RunEnded } from '@agentcrew/api/crew/runs/run-ended.ts';
import { type Database, defaultOrgId, type NewPostAction, type PostActionRunRow } from '@agentcrew/models';
import { freePort, latch, waitFor } from '@agentcrew/testkit';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileDatabase, fileDatabase } from '../../support/automation.ts';
import { runEnded } from '../../support/run-ended.ts';
import { type Sink, startSink } from '../../support/sink.ts';

let file: FileDatabase;
let sink: Sink;
let trigger: string;
let open: PostActions[];
let logged: string[];

beforeEach(async () => {
  file = await fileDatabase();
  sink = await startSink();
  trigger = file.addSchedule();
  open = [];
  logged = [];
});
afterEach(async () => {
  for (const one of open) await one.close();
  await sink[Symbol.asyncDispose]();
  await file[Symbol.asyncDispose]();
});

function create(options: Partial<PostActionsDeps> = {}): PostActions {
  const actions = createPostActions({
    db: file.db,
    allowPrivate: ['127.0.0.1'],
    maxConcurrent: 5,
    pauseMs: () => 1,
    log: pino({ level: 'debug' }, { write: (line) => void logged.push(line) }),
    ...options,
  });
  open.push(actions);
  return actions;
}

function start(options: Partial<PostActionsDeps> = {}): PostActions {
  const actions = create(options);
  actions.start();
  return actions;
}

/** An action that is bound to the schedule. */
function bound(action: Partial<NewPostAction> = {}, binding: object = {}): string {
  const { id } = file.db.postActions.insert({ name: 'notify', url: `${sink.url}/hook`, ...action });
  file.db.postActionBindings.insert({ post_action_id: id, trigger_type: 'schedule', trigger_id: trigger, ...binding });
  return id;
}

const end = (actions: PostActions, run: Partial<RunEnded['run']> = {}) => actions.enqueue(runEnded(trigger, { run }));
const runs = (id: string, db: Database = file.db) => db.postActionRuns.page(id, { limit: 100, offset: 0 }).rows;
const done = ({ status }: PostActionRunRow) => status === 'success' || status === 'failed';
/** The only run of the action, when it is done. */
const outcome = (id: string) => waitFor('the post-action', () => runs(id).find(done));

describe('a request', () => {
  test('is sent when a run ends, with what the run was', async () => {
    const id = bound({
      url: `${sink.url}/hook/{{run_id}}?s={{status}}`,
      method: 'PUT',
      headers: { 'X-Team': '{{team_name}}' },
      body_template: '{"text": "{{response}}"}',
    });
    const actions = start();
    end(actions, { id: 'run-1' });
    const [received] = await sink.until(1);
    expect(received).toMatchObject({ method: 'PUT', url: '/hook/run-1?s=success' });
    expect(JSON.parse(received?.body ?? '')).toEqual({ text: 'It is "written".\nIn full.' });
    const run = await outcome(id);
    expect(received?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-team': 'docs',
      'idempotency-key': run.id,
      connection: 'close',
    });
    expect(run).toMatchObject({
      source_type: 'schedule',
      source_run_id: 'run-1',
      status: 'success',
      status_code: 200,
      response_body: 'thanks',
      error: '',
      attempts: 1,
      completed_at: expect.any(Date),
      request_sent: expect.stringContaining(`PUT ${sink.url}/hook/run-1?s=success`),
    });
  });

  test('has the body of its binding', async () => {
    bound({ body_template: 'not this' }, { body_override: 'but {{status}}' });
    end(start(), { status: 'timeout' });
    expect((await sink.until(1))[0]?.body).toBe('but timeout');
  });

  test.each([
    ['success', ['any', 'success']],
    ['failed', ['any', 'failure']],
    ['timeout', ['any', 'failure']],
  ] as const)('follows %s of a run', async (status, expected) => {
    for (const trigger_on of ['success', 'failure', 'any'] as const)
      bound({ url: `${sink.url}/${trigger_on}` }, { trigger_on });
    const last = bound({ url: `${sink.url}/last` });
    end(start(), { status });
    await outcome(last);
    await waitFor('all', () => file.db.postActionRuns.openCount() === 0);
    expect(sink.received.map(({ url }) => url.slice(1)).sort()).toEqual([...expected, 'last'].sort());
  });

  test('is made once, however often the end of the run is told', async () => {
    const id = bound();
    const actions = create();
    const ended = runEnded(trigger);
    for (let n = 0; n < 3; n += 1) actions.enqueue(ended);
    actions.start();
    await outcome(id);
    actions.enqueue(ended);
    expect(runs(id)).toHaveLength(1);
    expect(sink.received).toHaveLength(1);
  });

  test('is not made when the transaction that ends the run fails', async () => {
    const id = bound();
    const actions = start();
    expect(() =>
      file.db.transaction(() => {
        end(actions);
        throw new Error('no');
      }),
    ).toThrow('no');
    file.db.transaction(() => end(actions, { id: 'the second' }));
    await outcome(id);
    expect(runs(id).map(({ source_run_id }) => source_run_id)).toEqual(['the second']);
  });

  test.each([
    ['bearer', { token: 'canary-token' }, { authorization: 'Bearer canary-token' }],
    [
      'basic',
      { username: 'canary-user', password: 'canary-pass' },
      { authorization: `Basic ${btoa('canary-user:canary-pass')}` },
    ],
    ['header', { header_name: 'X-Key', header_value: 'canary-value' }, { 'x-key': 'canary-value' }],
  ] as const)('says by %s who calls, and nobody else sees it', async (auth_type, auth_config, expected) => {
    const id = bound({ auth_type, auth_config, headers: { 'X-Api-Key': 'canary-header' } });
    sink.answer = (response, { headers }) => void response.writeHead(500).end(JSON.stringify(headers));
    end(start());
    expect((await sink.until(1))[0]?.headers).toMatchObject({ ...expected, 'x-api-key': 'canary-header' });
    const run = await outcome(id);
    expect(run.response_body).toContain('[redacted]');
    expect(JSON.stringify(run) + logged.join('')).not.toMatch(/canary|Y2FuYXJ5/);
  });
});

describe('an answer', () => {
  test.each([200, 201, 204, 299, 304])('%i is a success', async (status) => {
    const id = bound({ retry_count: 5 });
    sink.answer = (response) => void response.writeHead(status).end();
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success', status_code: status, error: '', attempts: 1 });
  });

  test.each([400, 401, 404, 410, 499])('%i fails at once', async (status) => {
    const id = bound({ retry_count: 5 });
    sink.answer = (response) => void response.writeHead(status).end('no');
    end(start());
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      status_code: status,
      error: `HTTP ${status}`,
      response_body: 'no',
      attempts: 1,
    });
  });

  test.each([429, 500, 503, 599])('%i is tried again, as often as the action says', async (status) => {
    const id = bound({ retry_count: 2 });
    sink.answer = (response) => void response.writeHead(status).end('busy');
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'failed', error: `HTTP ${status}`, attempts: 3 });
    const keys = new Set(sink.received.map(({ headers }) => headers['idempotency-key']));
    expect({ requests: sink.received.length, keys: keys.size }).toEqual({ requests: 3, keys: 1 });
  });

  test('that is good in the end is a success, without the error of before', async () => {
    const id = bound({ retry_count: 5 });
    sink.answer = (response) => void response.writeHead(sink.received.length < 3 ? 503 : 200).end('x');
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success', status_code: 200, error: '', attempts: 3 });
  });

  test.each([
    ['120', 120_000, 121_000],
    ['3600', 300_000, 301_000],
    ['0', 1, 1_000],
    ['soon', 1, 1_000],
    [new Date(Date.now() + 100_000).toUTCString(), 60_000, 101_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 1, 1_000],
  ])('that asks to wait (%s) is waited for, up to a limit', async (retryAfter, least, most) => {
    const id = bound({ retry_count: 1 });
    const answered = Date.now();
    sink.answer = (response) => void response.writeHead(429, { 'retry-after': retryAfter }).end();
    end(start({ pauseMs: () => 10 }));
    const first = await waitFor('the first attempt', () => runs(id).find(({ status_code }) => status_code === 429));
    if (first.next_attempt_at === null) return expect(least).toBe(1);
    const waits = first.next_attempt_at.getTime() - answered;
    expect(waits).toBeGreaterThanOrEqual(least);
    expect(waits).toBeLessThan(most + 5_000);
  });

  test('pauses 1, 2, 4 … 30 s and a bit without being told to', () => {
    for (const [attempts, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      const pause = pauseAfter(attempts + 1);
      expect(pause).toBeGreaterThanOrEqual(seconds * 1000);
      expect(pause).toBeLessThanOrEqual(seconds * 1250);
    }
  });

  test.each([4_080, 4_090, 4_095])(
    'that has the secret %i bytes after its beginning keeps no part of it',
    async (before) => {
      const id = bound({ auth_type: 'bearer', auth_config: { token: 'canary-token-é"' } });
      sink.answer = (response) =>
        void response.end(`${'x'.repeat(before)}canary-token-\\u00e9\\"${'y'.repeat(10_000)}`);
      end(start());
      expect((await outcome(id)).response_body).toBe(`${'x'.repeat(before)}[redacted]`);
    },
  );

  test.each([
    ['as JSON', (value: string) => JSON.stringify({ value })],
    ['in a URL', encodeURIComponent],
    ['in a form', (value: string) => new URLSearchParams({ value }).toString()],
  ])('that repeats a secret %s shows none', async (_how, written) => {
    const value = 'can"ar\\y é';
    const id = bound({ auth_type: 'header', auth_config: { header_name: 'X-Key', header_value: value } });
    // As Node has it: the bytes of UTF-8 as Latin-1.
    sink.answer = (response, { headers }) =>
      void response.end(`${written(value)} ${written(String(headers['x-key']))}`);
    end(start());
    const { response_body } = await outcome(id);
    expect(response_body).toContain('[redacted]');
    expect(response_body).not.toMatch(/can|ary?|y/);
  });

  test('that never ends is read to the limit and broken off', async () => {
    const id = bound();
    const closed = latch();
    sink.answer = (response) => {
      response.on('close', closed.open);
      const more = () => {
        while (!response.destroyed && response.write('ü'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    };
    end(start());
    const run = await outcome(id);
    expect(run).toMatchObject({ status: 'success', status_code: 200 });
    expect(run.response_body).toBe('ü'.repeat(2_048));
    await closed.promise;
  });

  test('is cut between characters', async () => {
    const id = bound();
    sink.answer = (response) => void response.end(`x${'ü'.repeat(5_000)}`);
    end(start());
    expect((await outcome(id)).response_body).toBe(`x${'ü'.repeat(2_047)}`);
  });

  test.each([
    ['never begins', () => undefined],
    ['never ends', (response: ServerResponse) => void response.write('a bit')],
  ])('that %s takes no longer than the action allows', async (_how, answer) => {
    const id = bound({ timeout_seconds: 1, retry_count: 1 });
    sink.answer = answer;
    const began = performance.now();
    end(start());
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      status_code: 0,
      error: 'no complete answer within 1 s',
      attempts: 2,
    });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('that breaks off is tried again', async () => {
    const id = bound({ retry_count: 1 });
    sink.answer = (response) => void (sink.received.length === 1 ? response.destroy() : response.end('ok'));
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success', attempts: 2 });
  });

  test('that nobody gives is tried again', async () => {
    const id = bound({ url: `http://127.0.0.1:${await freePort()}/`, retry_count: 2 });
    end(start());
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      status_code: 0,
      error: expect.stringContaining('ECONNREFUSED'),
      attempts: 3,
    });
  });

  test('whose headers are too large is an error', async () => {
    const id = bound();
    sink.answer = (response) => void response.writeHead(200, { 'x-large': 'x'.repeat(100_000) }).end();
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/\S/) });
  });
});

describe('redirects', () => {
  const hop = (location: string | ((n: number) => string), status = 307) => {
    sink.answer = (response, { url }) => {
      if (url === '/end') return void response.end('arrived');
      const to = typeof location === 'string' ? location : location(sink.received.length);
      response.writeHead(status, { location: to }).end('moved');
    };
  };

  test('are followed three times', async () => {
    const id = bound({ body_template: 'text' });
    hop((n) => (n < 3 ? `/hop${n}` : '/end'));
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success', response_body: 'arrived' });
    expect(sink.received.map(({ url, body }) => `${url} ${body}`)).toEqual([
      '/hook text',
      '/hop1 text',
      '/hop2 text',
      '/end text',
    ]);
  });

  test('are not followed for ever', async () => {
    const id = bound({ retry_count: 3 });
    hop((n) => `/hop${n}`);
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'failed', error: 'more than 3 redirects', attempts: 1 });
    expect(sink.received).toHaveLength(4);
  });

  test('to another origin carry no credentials', async () => {
    await using other = await startSink();
    const id = bound({
      auth_type: 'bearer',
      auth_config: { token: 'canary-token' },
      headers: { Cookie: 'canary', 'X-Team': 'a' },
    });
    hop(`${other.url}/end`);
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success', response_body: 'thanks' });
    expect(sink.received[0]?.headers).toMatchObject({ authorization: 'Bearer canary-token', cookie: 'canary' });
    expect(other.received[0]?.headers).toMatchObject({ 'x-team': 'a' });
    expect(JSON.stringify(other.received)).not.toContain('canary');
  });

  test.each([
    'http://[::1]/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest',
    'http://[::ffff:10.0.0.1]/',
    'http://0/',
    'http://127.0.0.2/',
  ])('to %s are refused', async (location) => {
    const id = bound({ retry_count: 3 });
    hop(location);
    end(start());
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      status_code: 0,
      error: expect.stringContaining('POST_ACTION_ALLOW_PRIVATE'),
      attempts: 1,
    });
  });
});

describe('private targets', () => {
  test.each([
    '127.0.0.1',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '[::]',
  ])('%s is refused unless it is listed', async (host) => {
    const id = bound({ url: `http://${host}:${sink.port}/`, retry_count: 3 });
    end(start({ allowPrivate: [] }));
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('POST_ACTION_ALLOW_PRIVATE'),
      attempts: 1,
    });
    expect(sink.received).toEqual([]);
  });

  test('may be listed by their host name', async () => {
    const id = bound({ url: `http://sink.internal:${sink.port}/` });
    const lookup: PostActionsDeps['lookup'] = (_host, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    end(start({ allowPrivate: ['sink.internal'], lookup }));
    expect(await outcome(id)).toMatchObject({ status: 'success' });
  });

  test.each([
    [[{ address: '10.0.0.1', family: 4 }]],
    [
      [
        { address: '1.1.1.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ],
    [[{ address: '::1', family: 6 }]],
  ])('behind a public name are refused: %j', async (addresses) => {
    const id = bound({ url: `http://public.example.org:${sink.port}/` });
    end(start({ allowPrivate: [], lookup: (_host, _options, callback) => callback(null, addresses) }));
    expect((await outcome(id)).error).toBe(
      'public.example.org is at a private address, which POST_ACTION_ALLOW_PRIVATE does not list',
    );
  });

  test('are refused also when a name is public the first time and private the next', async () => {
    const id = bound({ url: `http://rebinding.example.org:${sink.port}/`, retry_count: 5 });
    const asked: string[] = [];
    const lookup: PostActionsDeps['lookup'] = (host, _options, callback) => {
      asked.push(host);
      // A public address where nobody answers: the connection itself must go to what was checked.
      if (asked.length === 1) callback(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }), []);
      else callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    end(start({ allowPrivate: [], lookup }));
    expect(await outcome(id)).toMatchObject({
      status: 'failed',
      attempts: 2,
      error: expect.stringContaining('private address'),
    });
    // Once for each attempt: what is checked is what is connected to.
    expect(asked).toEqual(['rebinding.example.org', 'rebinding.example.org']);
    expect(sink.received).toEqual([]);
  });

  test('a name that is never found takes no longer than the action allows', async () => {
    const id = bound({ url: 'http://slow.example.org/', timeout_seconds: 1 });
    end(start({ lookup: () => undefined }));
    expect(await outcome(id)).toMatchObject({ status: 'failed', error: 'no complete answer within 1 s' });
  });

  test('no proxy of the environment is asked', async () => {
    const id = bound({ url: `http://127.0.0.1:${await freePort()}/` });
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: sink.url, http_proxy: sink.url, NODE_USE_ENV_PROXY: '1' });
    try {
      end(start());
      expect(await outcome(id)).toMatchObject({ status: 'failed' });
      expect(sink.received).toEqual([]);
    } finally {
      process.env = before;
    }
  });
});

describe('the queue', () => {
  test('has no more requests under way than it may, and none of one action takes all places', async () => {
    const gate = latch();
    let together = 0;
    let most = 0;
    sink.answer = async (response) => {
      together += 1;
      most = Math.max(most, together);
      await gate.promise;
      together -= 1;
      response.end();
    };
    const slow = bound({ url: `${sink.url}/slow` });
    const others = [1, 2, 3, 4].map((n) => bound({ url: `${sink.url}/${n}` }));
    const actions = start({ maxConcurrent: 4 });
    for (let n = 0; n < 5; n += 1) end(actions);
    await sink.until(4);
    expect(sink.received.filter(({ url }) => url === '/slow').length).toBeLessThanOrEqual(2);
    gate.open();
    await waitFor('all', () => file.db.postActionRuns.openCount() === 0);
    expect(most).toBe(4);
    for (const id of [slow, ...others]) expect(runs(id).every(({ status }) => status === 'success')).toBe(true);
    expect(sink.received).toHaveLength(25);
  });

  test.each([
    [5, 2],
    [1, 1],
  ])('of %i places gives one action %i', async (maxConcurrent, expected) => {
    sink.answer = () => undefined;
    const id = bound();
    const actions = start({ maxConcurrent });
    for (let n = 0; n < 6; n += 1) end(actions);
    await sink.until(1);
    expect(runs(id).filter(({ attempts }) => attempts > 0)).toHaveLength(expected);
  });

  test('does nothing before it is started', async () => {
    const id = bound();
    const actions = create();
    end(actions);
    await new Promise(setImmediate);
    expect(runs(id)).toMatchObject([{ status: 'pending', attempts: 0 }]);
    actions.start();
    await outcome(id);
  });

  test.each([
    [
      'its binding was removed',
      (id: string) => file.run(`delete from post_action_bindings where post_action_id = '${id}'`),
    ],
    ['it was disabled', (id: string) => void file.db.postActions.update(defaultOrgId, id, { enabled: false })],
    [
      'it was disabled',
      (id: string) => file.run(`update post_action_bindings set enabled = 0 where post_action_id = '${id}'`),
    ],
  ])('does not do what is not wanted any more: %s', async (error, change) => {
    const id = bound({ retry_count: 5 });
    const actions = create();
    end(actions);
    change(id);
    actions.start();
    expect(await outcome(id)).toMatchObject({ status: 'failed', attempts: 1, error: expect.stringContaining(error) });
    expect(sink.received).toEqual([]);
  });

  test('takes the action as it is now', async () => {
    const id = bound({ retry_count: 1, auth_type: 'bearer', auth_config: { token: 'old' } });
    sink.answer = (response) => {
      file.db.postActions.update(defaultOrgId, id, { auth_config: { token: 'new' } });
      response.writeHead(sink.received.length === 1 ? 503 : 200).end();
    };
    end(start());
    expect(await outcome(id)).toMatchObject({ status: 'success' });
    expect(sink.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('survives an action that is deleted while it is called', async () => {
    const id = bound();
    const other = bound({ url: `${sink.url}/other` });
    sink.answer = (response) => {
      file.db.postActions.delete(defaultOrgId, id);
      response.end();
    };
    end(start());
    expect(await outcome(other)).toMatchObject({ status: 'success' });
    expect(runs(id)).toEqual([]);
  });
});

describe('a restart', () => {
  test('makes again what was under way, and nothing that was done', async () => {
    const first = bound({ url: `${sink.url}/first` });
    const second = bound({ url: `${sink.url}/second`, retry_count: 0 });
    sink.answer = (response, { url }) => void (url === '/first' && response.end('ok'));
    const before = start();
    end(before);
    await outcome(first);
    await sink.until(2);
    await before.close();
    expect(runs(second)).toMatchObject([{ status: 'pending', attempts: 1 }]);

    sink.answer = (response) => void response.end('ok');
    const db = file.reopen();
    start({ db });
    await waitFor('the second', () => runs(second, db).find(done));
    expect(runs(second, db)).toMatchObject([{ status: 'success', attempts: 1 }]);
    expect(sink.received.map(({ url }) => url).sort()).toEqual(['/first', '/second', '/second']);
    const keys = sink.received.filter(({ url }) => url === '/second').map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(1);
  });

  test('keeps the time of the next attempt', async () => {
    const id = bound({ retry_count: 1 });
    sink.answer = (response) => void response.writeHead(503).end();
    const before = start({ pauseMs: () => 3_600_000 });
    end(before);
    const waits = await waitFor('the first attempt', () => runs(id).find(({ status }) => status === 'retrying'));
    await before.close();
    start({ db: file.reopen() });
    await new Promise(setImmediate);
    expect(runs(id)).toMatchObject([{ status: 'retrying', attempts: 1, next_attempt_at: waits.next_attempt_at }]);
    expect(sink.received).toHaveLength(1);
  });

  test('ends at once, whatever is under way', async () => {
    bound({ timeout_seconds: 300 });
    bound({ url: 'http://slow.example.org/', timeout_seconds: 300 });
    sink.answer = () => undefined;
    const actions = start({ lookup: () => undefined });
    end(actions);
    await sink.until(1);
    const began = performance.now();
    await actions.close();
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
