import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';

const page = readFileSync(new URL('../../../../docs/files.md', import.meta.url), 'utf8');
const hasCurl = execFileSync('sh', ['-c', 'command -v curl || true']).length > 0;

let host: Host;
let model: Host['model'];
let folder: Host['folder'];
let server: Host['server'];
let client: Host['client'];
let id: string;
let workspace: string;
let url: string;

beforeAll(async () => {
  host = await Host.start();
  ({ model, folder, server, client } = host);
  const permissions = { allowed_tools: ['Bash'] };
  ({ id } = await client.createTeam('files', {}, { permissions }));
  workspace = join(folder.path, 'teams/files/workspace');
  url = `${server.url}/api/teams/${id}`;
  await client.deploy(id);
});
afterAll(() => host[Symbol.asyncDispose]());

interface Accepted {
  message_id: string;
  files: { name: string; path: string; size: number; type: string }[];
}

async function send(
  message: string,
  files: [name: string, data: string | Uint8Array<ArrayBuffer>][],
): Promise<Accepted> {
  const form = new FormData();
  form.append('message', message);
  for (const [name, data] of files) form.append('files', new File([data], name, { type: 'text/plain' }));
  const answer = await fetch(`${url}/chat`, { method: 'POST', body: form });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Accepted;
}

const download = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/files/content?path=${encodeURIComponent(path)}`, { headers });

describe('files on a real agent', () => {
  test('two of one name reach the agent, which is told of both and can read them', async () => {
    const command = 'cat uploads/*_notes.txt uploads/*_notes-2.txt';
    const text = `!tool Bash ${JSON.stringify({ command, description: 'test' })}`;
    const { message_id, files } = await send(text, [
      ['notes.txt', 'the first\n'],
      ['notes.txt', 'the second\n'],
    ]);
    const reply = await client.reply(id, message_id);
    expect(reply.payload.result).toContain('the first\nthe second');
    const asked = await model.waitForRequest('the turn', ({ userText }) => userText === text);
    for (const { path, size } of files) {
      expect(JSON.stringify(asked.body)).toContain(`${path} (${size} bytes, text/plain`);
      expect(statSync(path).uid).toBe(process.getuid?.());
    }
    expect(files.map(({ path }) => path.startsWith(`${workspace}/uploads/`))).toEqual([true, true]);
    const [message] = (await client.messages(id)).filter((row) => row.message_id === message_id);
    expect(message?.payload).toEqual({ content: text, files });
  });

  test('a large one comes back as it was sent, whole and in parts', async () => {
    const data = randomBytes(10 * 1024 * 1024);
    const { files } = await send('large', [['large.bin', new Uint8Array(data)]]);
    const path = `uploads/${files[0]?.path.split('/').at(-1)}`;
    const whole = await download(path);
    expect(Buffer.from(await whole.arrayBuffer()).equals(data)).toBe(true);
    const etag = whole.headers.get('etag') ?? '';
    const part = await download(path, { range: 'bytes=5000000-5999999', 'if-range': etag });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(data.subarray(5_000_000, 6_000_000))).toBe(true);
  });

  test('nothing outside of the workspace can be read, whatever link the agent makes', async () => {
    symlinkSync(join(folder.path, 'settings.key'), join(workspace, 'key'));
    symlinkSync(folder.path, join(workspace, 'data'));
    for (const path of ['key', 'data/settings.key', '../../../settings.key', '/proc/self/environ']) {
      expect([path, (await download(path)).status]).toEqual([path, 400]);
    }
    expect((await fetch(`${url}/files?path=data`)).status).toBe(400);
  });

  test('none is left where they waited', async () => {
    await waitFor('the files to be gone', () => readdirSync(join(folder.path, 'received')).length === 0);
  });
});

describe.skipIf(!hasCurl)('the examples of docs/files.md (need curl)', () => {
  const examples = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, example = '']) => example);
  const place = () => join(folder.path, 'examples');

  beforeEach(() => {
    mkdirSync(place(), { recursive: true });
    mkdirSync(join(workspace, 'uploads'), { recursive: true });
    for (const path of [join(place(), 'report.pdf'), join(place(), 'figures.csv')]) writeFileSync(path, path);
    for (const path of ['build.log', 'uploads/1769860800_figures.csv']) writeFileSync(join(workspace, path), path);
  });

  async function run(example: string): Promise<string> {
    const script = `set -eu; curl() { command curl --fail-with-body "$@"; }\n${example}`;
    const env = { PATH: process.env.PATH, api: server.url, id };
    return (await promisify(execFile)('bash', ['-c', script], { cwd: place(), env })).stdout;
  }

  test('are three, and work', async () => {
    const [upload = '', list = '', content = '', ...more] = examples;
    expect(more).toEqual([]);
    const { files } = JSON.parse(await run(upload)) as Accepted;
    expect(files.map(({ name, type }) => [name, type])).toEqual([
      ['report.pdf', 'application/pdf'],
      ['figures.csv', expect.stringMatching(/./)],
    ]);
    const { entries } = JSON.parse(await run(list)) as { entries: { path: string }[] };
    expect(entries.map(({ path }) => path)).toContain('uploads/1769860800_figures.csv');
    expect(await run(content)).toBe('build.log');
    expect(readFileSync(join(place(), 'figures.csv'), 'utf8')).toBe('uploads/1769860800_figures.csv');
  });
});
