import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Envelope } from '@agentcrew/protocol';
import { CrewError } from '@agentcrew/protocol';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { agentWorkspace } from '../support/agent-workspace.ts';
import type { Answer } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { createRandom } from '../support/random.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
const mib = 1024 * 1024;
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
  await waitFor('the received files to be gone', () => app.received().length === 0);
});
afterAll(() => app.close());

interface FormFile {
  name: string;
  data: string | Uint8Array<ArrayBuffer>;
  type?: string;
  field?: string;
}

/** What a browser sends for a form. */
async function post(fields: Record<string, string>, files: FormFile[], key?: string): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const { name, data, type = 'text/plain', field = 'files' } of files) {
    form.append(field, new File([data], name, { type }));
  }
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  const response = await fetch(`${app.url}/api/teams/${team.id}/chat`, { method: 'POST', body: form, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text), text };
}

/** A body as it is written here, with `-` for the boundary. */
function raw(lines: string[], type = 'multipart/form-data; boundary=x'): Promise<Answer> {
  const body = lines.join('\r\n').replaceAll(/^-$/gm, '--x').replaceAll(/^-\.$/gm, '--x--');
  return app.client.send('POST', `/api/teams/${team.id}/chat`, { raw: body, headers: { 'content-type': type } });
}

const messages = async () => (await app.client.get(`/api/teams/${team.id}/messages`)).body;
const stored = () => (readdirSync(workspace.path).includes('uploads') ? readdirSync(workspace.in('uploads')) : []);
const text = (name: string, data = name): FormFile => ({ name, data });
const userMessages = () =>
  bus.published.map(({ envelope }) => envelope).filter(({ type }: Envelope) => type === 'user_message');

describe('a message with files', () => {
  test('is stored and sent with their paths, once they are in the workspace', async () => {
    const files = [
      text('a b.txt', 'hello'),
      { name: 'résumé.pdf', data: new Uint8Array([0, 255]), type: 'application/pdf' },
    ];
    const { status, body } = await post({ message: 'look at this' }, files);
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        status: 'queued',
        message: 'Message queued for the team leader',
        message_id: expect.any(String),
        seq: expect.any(Number),
        files: [
          { name: 'a b.txt', path: expect.stringMatching(/\/uploads\/\d{10}_a_b\.txt$/), size: 5, type: 'text/plain' },
          {
            name: 'résumé.pdf',
            path: expect.stringMatching(/\/uploads\/\d{10}_r_sum_\.pdf$/),
            size: 2,
            type: 'application/pdf',
          },
        ],
      },
    });
    expect(body.files.map(({ path }: { path: string }) => readFileSync(path, 'latin1'))).toEqual(['hello', '\0ÿ']);
    const payload = { content: 'look at this', files: body.files };
    expect(await messages()).toMatchObject([{ message_id: body.message_id, payload, to_agent: 'leader' }]);
    await waitFor('the delivery', () => userMessages().length === 1);
    expect(userMessages()[0]?.payload).toEqual(payload);
  });

  test('may be for another agent', async () => {
    const { body } = await post({ agent: 'worker', message: 'x' }, [text('a')]);
    expect(body.message).toBe('Message queued for Worker');
    expect(bus.requests.map(({ agent }) => agent)).toEqual(['Worker', 'Worker']);
    expectError(await post({ agent: 'nobody', message: 'x' }, [text('a')]), 404, 'AGENT_NOT_FOUND');
  });

  test('may have two of one name, and an empty one', async () => {
    const { body } = await post({ message: 'x' }, [text('a.txt', '1'), text('a.txt', '2'), text('empty', '')]);
    expect(new Set(body.files.map(({ path }: { path: string }) => path)).size).toBe(3);
    expect(body.files.map(({ path }: { path: string }) => readFileSync(path, 'utf8'))).toEqual(['1', '2', '']);
  });

  test('may have none: a form without files, or with a field in which none was chosen', async () => {
    for (const files of [[], [{ name: '', data: '', type: 'application/octet-stream' }]]) {
      const { status, body } = await post({ message: ' as it is,\nline for line ' }, files);
      expect([status, body.files]).toEqual([200, undefined]);
    }
    expect((await messages())[0].payload).toEqual({ content: ' as it is,\nline for line ' });
    expect(bus.requests).toEqual([]);
  });

  test('may have five of 10 MiB, whose order with the fields is free', async () => {
    const data = new Uint8Array(10 * mib).fill(7);
    const form = new FormData();
    for (let n = 0; n < 5; n += 1) form.append('files', new File([data], `f${n}.bin`));
    form.append('message', 'all of them');
    const response = await fetch(`${app.url}/api/teams/${team.id}/chat`, { method: 'POST', body: form });
    expect(response.status).toBe(200);
    const { files } = (await response.json()) as { files: { path: string; size: number }[] };
    expect(files.map(({ size }) => size)).toEqual(Array(5).fill(10 * mib));
    expect(readFileSync(files[4]?.path ?? '').equals(data)).toBe(true);
    // What nats-server takes by default, less what it counts besides.
    for (const sent of bus.requests) expect(JSON.stringify(sent.request).length).toBeLessThan(1_047_000);
  });

  test('is refused when there are too many, or one is too large, and leaves nothing behind', async () => {
    const six = Array.from({ length: 6 }, (_, n) => text(`f${n}`));
    expectError(await post({ message: 'x' }, six), 400, 'INVALID_REQUEST', 'too many files: at most 5 are allowed');
    const large = { name: 'large.bin', data: new Uint8Array(10 * mib + 1) };
    for (const files of [[large], [text('a'), large, text('b')]]) {
      const answer = await post({ message: 'x' }, files);
      expectError(answer, 400, 'INVALID_REQUEST', 'file "large.bin" is too large: at most 10 MiB are allowed');
    }
    expect([stored(), await messages(), bus.requests]).toEqual([[], [], []]);
  });

  test.each([
    ['no message', {}, 'message is required'],
    ['an empty message', { message: '' }, 'message is required'],
    ['an empty agent', { message: 'x', agent: '' }, 'agent'],
    ['NUL in the message', { message: 'a\0b' }, 'NUL'],
  ])('is refused with %s', async (_what, fields, rule) => {
    expectError(await post(fields as Record<string, string>, [text('a')]), 400, 'INVALID_REQUEST', rule);
    expect([stored(), await messages(), bus.requests]).toEqual([[], [], []]);
  });

  test('is refused when its text is too large', async () => {
    for (const size of [901 * 1024, 2 * mib]) {
      const answer = await post({ message: 'x'.repeat(size) }, [text('a')]);
      expectError(answer, 413, 'PAYLOAD_TOO_LARGE', 'message is too large');
    }
    expect(stored()).toEqual([]);
  });

  test('is refused with a file in another field', async () => {
    const file = { ...text('a'), field: 'attachment' };
    expectError(
      await post({ message: 'x' }, [file]),
      400,
      'INVALID_REQUEST',
      'unexpected file in the field attachment',
    );
  });

  test('may claim any name and type', async () => {
    const part = (name: string, type: string) => [
      '-',
      `content-disposition: form-data; name="files"; filename="${name}"`,
      `content-type: ${type}`,
      '',
      'data',
    ];
    const message = ['-', 'content-disposition: form-data; name="message"', '', 'x'];
    const names = ['../../../etc/passwd', '..', 'a\0b.txt', 'x'.repeat(300)];
    const { status, body } = await raw([
      ...message,
      ...names.flatMap((name) => part(name, 'no type at all')),
      '-.',
      '',
    ]);
    expect(status).toBe(200);
    const files = body.files as { path: string; name: string; type: string }[];
    expect(files.map(({ path }) => path.replace(/^.*\/uploads\/\d+_/, ''))).toEqual([
      'passwd',
      'upload',
      'ab.txt',
      'x'.repeat(229),
    ]);
    expect(new Set(files.map(({ type }) => type))).toEqual(new Set(['application/octet-stream']));
    expect(files[3]?.name).toHaveLength(255);
  });
});

describe('what is no form', () => {
  const disposition = 'content-disposition: form-data; name="message"';
  test.each([
    ['without a boundary', ['x'], 'multipart/form-data'],
    ['of another boundary', ['--y', disposition, '', 'x', '--y--', '']],
    ['that ends in a field', ['-', disposition, '', 'half']],
    ['that ends in a file', ['-', 'content-disposition: form-data; name="files"; filename="a"', '', 'half']],
    [
      'with a field that would reach the prototype',
      ['-', 'content-disposition: form-data; name="__proto__"', '', 'x', '-.', ''],
    ],
    ['with too many parts', [...Array.from({ length: 60 }, () => ['-', disposition, '', 'x']).flat(), '-.', '']],
    [
      'with a message that is JSON of something else',
      ['-', disposition, 'content-type: application/json', '', '{"a":1}', '-.', ''],
    ],
    ['that is empty', ['']],
  ])('is refused: one %s', async (_what, lines, type?: string) => {
    const answer = await raw(lines, type);
    expect(answer.body).toMatchObject({ error: expect.stringMatching(/\S/), code: expect.stringMatching(/^[A-Z_]+$/) });
    expect([400, 413]).toContain(answer.status);
    expect(await messages()).toEqual([]);
  });

  test('is never answered with a 5xx, however it is damaged', async () => {
    const random = createRandom(20_261_127);
    const pieces = [
      '',
      '--x',
      '--x--',
      '\r\n',
      '\n',
      '"',
      ';',
      ': ',
      '\0',
      'ü',
      'filename="',
      'name=',
      '--',
      'x'.repeat(9000),
    ];
    const form = [
      ...['-', disposition, '', 'hello', '-', 'content-disposition: form-data; name="agent"', '', 'worker'],
      ...[
        '-',
        'content-disposition: form-data; name="files"; filename="a.txt"',
        'content-type: text/plain',
        '',
        'data',
      ],
      ...['-', 'content-disposition: form-data; name="files"; filename="b"', '', '', '-.', ''],
    ].join('\r\n');
    const statuses = new Set<number>();
    for (let round = 0; round < 40; round += 1) {
      const bodies = Array.from({ length: 8 }, () => {
        const at = random.next(form.length + 1);
        return form.slice(0, at) + random.pick(pieces) + form.slice(at + random.next(6));
      });
      for (const answer of await Promise.all(bodies.map((body) => raw([body])))) {
        expect({ status: answer.status, text: answer.text }).toMatchObject({
          status: expect.toSatisfy((n) => n < 500),
        });
        statuses.add(answer.status);
      }
    }
    expect(statuses).toContain(200);
    expect(statuses).toContain(400);
  });

  test('is not read by any other route', async () => {
    const form = new FormData();
    form.append('name', 'x');
    const response = await fetch(`${app.url}/api/teams`, { method: 'POST', body: form });
    expect(response.status).toBe(415);
  });
});

describe('an agent that cannot take the files', () => {
  test('is told as 409, and no message is stored', async () => {
    bus.onRequest = () => {
      throw new CrewError('AGENT_NOT_READY', 'away');
    };
    expectError(await post({ message: 'x' }, [text('a')]), 409, 'AGENT_NOT_RUNNING', 'cannot be reached');
    bus.onRequest = () => undefined;
    bus.answer = () => ({ ok: false, error: 'not a control request' });
    expectError(await post({ message: 'x' }, [text('a')]), 409, 'WORKSPACE_UNAVAILABLE', 'older version');
    bus.answer = () => ({ ok: false, code: 'WORKSPACE_UNAVAILABLE', error: 'the workspace is full' });
    expectError(await post({ message: 'x' }, [text('a')]), 409, 'WORKSPACE_UNAVAILABLE', 'the workspace is full');
    bus.setConnected(false);
    expectError(await post({ message: 'x' }, [text('a')]), 409, 'AGENT_NOT_RUNNING', 'the bus of the team is away');
    bus.setConnected(true);
    expect(await messages()).toEqual([]);
  });

  test('halfway has none of them', async () => {
    let parts = 0;
    bus.answer = (asked) => {
      if (asked.type !== 'put_file' || ++parts < 3) return workspace.answer(asked);
      return { ok: false, code: 'WORKSPACE_UNAVAILABLE', error: 'the workspace is full' };
    };
    const files = [text('a'), { name: 'b', data: new Uint8Array(mib) }];
    expectError(await post({ message: 'x' }, files), 409, 'WORKSPACE_UNAVAILABLE');
    expect([stored(), await messages()]).toEqual([[], []]);
  });

  test('because the team stops has none of them', async () => {
    const { promise, open } = latch();
    bus.answer = async (asked) => {
      const answer = await workspace.answer(asked);
      if (asked.type === 'keep_files') await promise;
      return answer;
    };
    const sent = post({ message: 'x' }, [text('a')]);
    await waitFor('the files', () => stored().some((name) => name.endsWith('_a')));
    app.db.teams.setStatus(team.id, 'stopped', '');
    open();
    expectError(await sent, 409, 'TEAM_NOT_RUNNING');
    expect([stored(), await messages()]).toEqual([[], []]);
  });
});

describe('with an Idempotency-Key', () => {
  test('a message and its files are taken once, also at the same time', async () => {
    const send = () => post({ message: 'x' }, [text('a')], 'key');
    const answers = await Promise.all([send(), send(), send()]);
    answers.push(await send());
    for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 200, body: answers[0]?.body });
    expect(await messages()).toHaveLength(1);
    expect(stored()).toHaveLength(1);
    await app.client.post(`/api/teams/${team.id}/stop`);
    expect(await send()).toMatchObject({ status: 200, body: answers[0]?.body });
  });
});

test('the team is looked up, and has to run, before the body is looked at', async () => {
  await app.client.post(`/api/teams/${team.id}/stop`);
  expectError(await post({}, [text('a')]), 409, 'TEAM_NOT_RUNNING', 'team is not running');
  team = { ...team, id: 'x' };
  expectError(await post({}, [text('a')]), 404, 'TEAM_NOT_FOUND');
});

/** A form that is begun and never ends. */
function begin() {
  const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': String(5 * mib) };
  const sent = request({
    port: app.port,
    host: '127.0.0.1',
    method: 'POST',
    path: `/api/teams/${team.id}/chat`,
    headers,
  });
  sent.on('error', () => undefined);
  sent.write('--x\r\ncontent-disposition: form-data; name="files"; filename="a"\r\n\r\nbegin');
  return sent;
}

test('a client that goes away leaves nothing on the disk, and those that are slow are counted', async () => {
  const slow = Array.from({ length: 8 }, begin);
  await waitFor('the forms to come in', () => app.received().length === 8);
  const answer = await post({ message: 'x' }, [text('a')]);
  expectError(answer, 429, 'TOO_MANY_CONNECTIONS');
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(await app.client.post(`/api/teams/${team.id}/chat`, { message: 'x' })).toMatchObject({ status: 200 });
  for (const one of slow) one.destroy();
  await waitFor('the files to be gone', () => app.received().length === 0);
  expect(await post({ message: 'x' }, [text('a')])).toMatchObject({ status: 200 });
});
