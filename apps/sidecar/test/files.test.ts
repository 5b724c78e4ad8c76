import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FileRequest } from '@agentcrew/protocol';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { answerFiles } from '../src/files/answer.ts';
import { Uploads } from '../src/files/uploads.ts';

/** A workspace beside a folder that is not in it. */
async function setUp(idleMs?: number) {
  const folder = await temporaryFolder();
  const [workspace, outside] = [join(folder.path, 'workspace'), join(folder.path, 'workspace-outside')];
  mkdirSync(workspace);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'outside');
  const uploads = new Uploads({ workspace, agent: 'lead', idleMs });
  const ask = (request: FileRequest) => answerFiles(request, workspace, uploads);
  return {
    workspace,
    outside,
    uploads,
    ask,
    in: (path: string) => join(workspace, path),
    list: (path = '', offset = 0) => ask({ type: 'list_folder', path, offset }),
    read: (path: string, offset = 0, length = 1000) => ask({ type: 'read_file', path, offset, length }),
    uploaded: () => readdirSync(join(workspace, 'uploads')).sort(),
    async [Symbol.asyncDispose]() {
      await uploads.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const outsideError = { ok: false, code: 'INVALID_REQUEST', error: 'path leads out of the workspace' };

const modifiedAt = (path: string) => statSync(path, { bigint: true }).mtime.toISOString();

function part(text: string, changes: Partial<Extract<FileRequest, { type: 'put_file' }>> = {}) {
  const data = Buffer.from(text).toString('base64');
  const fields = { upload_id: randomUUID(), name: '17_a.txt', size: text.length, offset: 0, data, ...changes };
  return { type: 'put_file' as const, ...fields };
}

const keep = (...parts: { upload_id: string }[]) => ({
  type: 'keep_files' as const,
  upload_ids: parts.map(({ upload_id }) => upload_id),
});
const discard = (...parts: { upload_id: string }[]) => ({ ...keep(...parts), type: 'discard_files' as const });

describe('an upload', () => {
  test('comes in parts, each perhaps twice, and is seen when it is kept', async () => {
    await using scene = await setUp();
    const first = part('hello ', { size: 11 });
    const second = part('world', { upload_id: first.upload_id, size: 11, offset: 6 });
    for (const one of [first, first, second, first, second]) expect(await scene.ask(one)).toEqual({ ok: true });
    expect((await scene.list('uploads')).folder?.entries).toEqual([]);
    const kept = { ok: true, kept: [scene.in('uploads/17_a.txt')] };
    for (let n = 0; n < 2; n += 1) expect(await scene.ask(keep(first))).toEqual(kept);
    expect(await scene.ask(second)).toEqual({ ok: true });
    expect(scene.uploaded()).toEqual(['17_a.txt']);
    expect(readFileSync(scene.in('uploads/17_a.txt'), 'utf8')).toBe('hello world');
    expect(statSync(scene.in('uploads/17_a.txt')).mode & 0o777).toBe(0o644);
  });

  test('of nothing is an empty file', async () => {
    await using scene = await setUp();
    const empty = part('');
    await scene.ask(empty);
    expect(await scene.ask(keep(empty))).toMatchObject({ ok: true });
    expect(statSync(scene.in('uploads/17_a.txt')).size).toBe(0);
  });

  test('gets a name of its own', async () => {
    await using scene = await setUp();
    const parts = [part('1'), part('2'), part('3'), part('4', { name: 'none' }), part('5', { name: 'none' })];
    for (const one of parts) await scene.ask(one);
    const names = ['17_a.txt', '17_a-2.txt', '17_a-3.txt', 'none', 'none-2'];
    const kept = names.map((name) => scene.in(`uploads/${name}`));
    expect(await scene.ask(keep(...parts))).toEqual({ ok: true, kept });
    expect(kept.map((path) => readFileSync(path, 'utf8'))).toEqual(['1', '2', '3', '4', '5']);
  });

  test('is kept with all others or not at all', async () => {
    await using scene = await setUp();
    const [whole, half] = [part('1'), part('2', { size: 2 })];
    await scene.ask(whole);
    await scene.ask(half);
    expect(await scene.ask(keep(whole, half))).toMatchObject({ ok: false, error: '1 of 2 bytes of a file have come' });
    const unknown = { upload_id: randomUUID() };
    expect(await scene.ask(keep(whole, unknown))).toMatchObject({ ok: false, code: 'WORKSPACE_UNAVAILABLE' });
    expect((await scene.list('uploads')).folder?.entries).toEqual([]);
    expect(await scene.ask(keep(whole))).toMatchObject({ ok: true });
  });

  test('whose parts do not fit is refused', async () => {
    await using scene = await setUp();
    const first = part('12', { size: 3 });
    await scene.ask(first);
    const refused = { ok: false, code: 'INVALID_REQUEST' };
    expect(await scene.ask({ ...first, offset: 3 })).toMatchObject(refused);
    expect(await scene.ask({ ...first, offset: 2 })).toMatchObject(refused);
    expect(await scene.ask(part('1', { offset: 1 }))).toMatchObject({ ok: false, code: 'WORKSPACE_UNAVAILABLE' });
  });

  test('is gone when it is discarded, kept or not', async () => {
    await using scene = await setUp();
    const [open, kept] = [part('1'), part('2')];
    for (const one of [open, kept]) await scene.ask(one);
    await scene.ask(keep(kept));
    for (let n = 0; n < 2; n += 1) expect(await scene.ask(discard(open, kept))).toEqual({ ok: true });
    expect(scene.uploaded()).toEqual([]);
    expect(await scene.ask(keep(kept))).toMatchObject({ ok: false });
  });

  test('that is abandoned is forgotten', async () => {
    await using scene = await setUp(20);
    const abandoned = part('1');
    await scene.ask(abandoned);
    await waitFor('the end of the upload', () => scene.uploaded().length === 0);
    expect(await scene.ask(keep(abandoned))).toMatchObject({ ok: false, code: 'WORKSPACE_UNAVAILABLE' });
  });

  test('that a killed process left is removed by the next one; those of teammates stay for a day', async () => {
    await using scene = await setUp();
    mkdirSync(scene.in('uploads'));
    const left = (agent: string) => scene.in(`uploads/.upload-${agent}-${randomUUID()}`);
    const [own, old, fresh] = [left('lead'), left('gone'), left('lead-2')];
    for (const path of [own, old, fresh]) writeFileSync(path, 'x');
    writeFileSync(scene.in('uploads/.upload-of-mine'), 'x');
    utimesSync(old, 0, 0);
    await scene.uploads.sweep();
    expect(scene.uploaded().map((name) => scene.in(`uploads/${name}`))).toEqual(
      [fresh, scene.in('uploads/.upload-of-mine')].sort(),
    );
  });

  test('beside too many others is refused', async () => {
    await using scene = await setUp();
    const answers = await Promise.all(Array.from({ length: 45 }, () => scene.ask(part('1'))));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(40);
    expect(answers.at(-1)).toMatchObject({ code: 'WORKSPACE_UNAVAILABLE' });
  });

  test('goes where a folder or a link in the workspace is, and nowhere else', async () => {
    await using scene = await setUp();
    writeFileSync(scene.in('uploads'), '');
    const refused = { ok: false, code: 'WORKSPACE_UNAVAILABLE', error: 'uploads is not a folder of the workspace' };
    expect(await scene.ask(part('1'))).toEqual(refused);
    execFileSync('rm', [scene.in('uploads')]);
    symlinkSync(scene.outside, scene.in('uploads'));
    expect(await scene.ask(part('1'))).toEqual(refused);
    expect(readdirSync(scene.outside)).toEqual(['secret']);
    execFileSync('rm', [scene.in('uploads')]);
    mkdirSync(scene.in('elsewhere'));
    symlinkSync('elsewhere', scene.in('uploads'));
    const fine = part('1');
    await scene.ask(fine);
    expect(await scene.ask(keep(fine))).toMatchObject({ ok: true });
    expect(readdirSync(scene.in('elsewhere'))).toEqual(['17_a.txt']);
  });
});

describe('a file', () => {
  test('is read part by part, with what tells it from others', async () => {
    await using scene = await setUp();
    writeFileSync(scene.in('a'), '0123456789');
    const text = async (offset: number, length: number) =>
      Buffer.from((await scene.read('a', offset, length)).part?.data ?? '-', 'base64').toString();
    expect([await text(0, 4), await text(4, 100), await text(10, 5), await text(99, 5), await text(0, 0)]).toEqual([
      '0123',
      '456789',
      '',
      '',
      '',
    ]);
    const before = (await scene.read('a')).part;
    expect(before).toMatchObject({ size: 10, modified: modifiedAt(scene.in('a')) });
    writeFileSync(scene.in('a'), '9876543210!');
    const after = (await scene.read('a')).part;
    expect(after?.identity).toBe(before?.identity);
    expect(after?.version).not.toBe(before?.version);
  });

  test('is found through links, as long as they lead to something in the workspace', async () => {
    await using scene = await setUp();
    mkdirSync(scene.in('folder'));
    writeFileSync(scene.in('folder/a'), 'inside');
    symlinkSync('folder/a', scene.in('link'));
    symlinkSync(scene.in('folder'), scene.in('to-folder'));
    symlinkSync('/', scene.in('folder/root'));
    symlinkSync('../workspace-outside', scene.in('out'));
    symlinkSync('out/secret', scene.in('twice'));
    symlinkSync('loop', scene.in('loop'));
    symlinkSync('nowhere', scene.in('dangling'));
    for (const path of ['link', 'to-folder/a', './folder//a'])
      expect(await scene.read(path)).toMatchObject({ ok: true });
    for (const path of ['out/secret', 'twice', 'folder/root/etc/passwd', 'out']) {
      expect(await scene.read(path)).toEqual(outsideError);
      expect(await scene.list(path)).toEqual(outsideError);
    }
    for (const path of ['loop', 'loop/a']) expect(await scene.read(path)).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(await scene.read('dangling')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test.each(['..', '../workspace-outside/secret', 'a/../../workspace-outside/secret', 'a/..', 'a\0b'])(
    'is not %j',
    async (path) => {
      await using scene = await setUp();
      expect(await scene.read(path)).toEqual(outsideError);
    },
  );

  test('has no absolute path', async () => {
    await using scene = await setUp();
    writeFileSync(scene.in('a'), '');
    for (const path of ['/etc/passwd', scene.in('a'), scene.outside]) {
      expect(await scene.read(path)).toMatchObject({
        code: 'INVALID_REQUEST',
        error: expect.stringContaining('relative'),
      });
    }
  });

  test('that is none is said to be so, at once', async () => {
    await using scene = await setUp();
    mkdirSync(scene.in('folder'));
    execFileSync('mkfifo', [scene.in('pipe')]);
    const server = createServer().listen(scene.in('socket'));
    await once(server, 'listening');
    for (const path of ['pipe', 'socket']) {
      expect(await scene.read(path)).toMatchObject({ error: 'path is neither a file nor a folder' });
      expect(await scene.list(path)).toMatchObject({ error: 'path is neither a file nor a folder' });
    }
    server.close();
    expect(await scene.read('folder')).toMatchObject({ error: 'path is a folder', code: 'INVALID_REQUEST' });
    for (const path of ['', '.']) expect(await scene.read(path)).toMatchObject({ error: 'path is a folder' });
    for (const path of ['none', 'folder/none', 'none/none']) {
      expect(await scene.read(path)).toMatchObject({ code: 'FILE_NOT_FOUND' });
    }
  });
});

describe('a folder', () => {
  test('is listed with folders first', async () => {
    await using scene = await setUp();
    for (const name of ['b', 'A']) mkdirSync(scene.in(name));
    writeFileSync(scene.in('a b.txt'), 'hello');
    writeFileSync(scene.in('.hidden'), '');
    symlinkSync('b', scene.in('c'));
    execFileSync('mkfifo', [scene.in('pipe')]);
    const { folder } = await scene.list();
    expect(folder).toEqual({
      truncated: false,
      entries: [
        { name: 'A', type: 'folder', modified: expect.any(String) },
        { name: 'b', type: 'folder', modified: expect.any(String) },
        { name: '.hidden', type: 'file', size: 0, modified: expect.any(String) },
        { name: 'a b.txt', type: 'file', size: 5, modified: modifiedAt(scene.in('a b.txt')) },
        { name: 'c', type: 'link', modified: expect.any(String) },
        { name: 'pipe', type: 'other', modified: expect.any(String) },
      ],
    });
    expect((await scene.list('c')).folder).toEqual({ truncated: false, entries: [] });
    expect(await scene.list('a b.txt')).toMatchObject({ error: 'path is not a folder', code: 'INVALID_REQUEST' });
    expect(await scene.list('none')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('that is large comes in pages', async () => {
    await using scene = await setUp();
    for (let n = 0; n < 1500; n += 1) writeFileSync(scene.in(String(n).padStart(4, '0')), '');
    const first = (await scene.list()).folder;
    expect([first?.entries.length, first?.truncated]).toEqual([1000, true]);
    const second = (await scene.list('', 1000)).folder;
    expect([second?.entries.length, second?.truncated]).toEqual([500, false]);
    expect(second?.entries[0]?.name).toBe('1000');
    expect((await scene.list('', 5000)).folder).toEqual({ entries: [], truncated: false });
  });

  test('of names that take much room comes in smaller pages, and all of it', async () => {
    await using scene = await setUp();
    for (let n = 0; n < 600; n += 1) writeFileSync(scene.in(String(n).padStart(4, '0') + '\u0001'.repeat(250)), '');
    const names: string[] = [];
    for (let more = true; more; ) {
      const answer = await scene.list('', names.length);
      expect(JSON.stringify(answer).length).toBeLessThan(600_000);
      names.push(...(answer.folder?.entries.map(({ name }) => name.slice(0, 4)) ?? []));
      more = answer.folder?.truncated ?? false;
    }
    expect(names).toEqual(Array.from({ length: 600 }, (_, n) => String(n).padStart(4, '0')));
  });
});

/** Runs the work while a folder of the workspace becomes a link to the outside and back again and again. */
async function whileSwapped(place: string, outside: string, work: () => Promise<void>): Promise<void> {
  const flag = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./swapper.cjs', import.meta.url), { workerData: { place, outside, flag } });
  const ended = once(worker, 'exit');
  await once(worker, 'message');
  try {
    await work();
  } finally {
    Atomics.store(new Int32Array(flag), 0, 1);
    await ended;
  }
}

describe.skipIf(process.platform !== 'linux')('a folder that is swapped for a link to the outside (on Linux)', () => {
  test('lets nothing be read from there', async () => {
    await using scene = await setUp();
    mkdirSync(scene.in('folder'));
    writeFileSync(scene.in('folder/secret'), 'inside');
    writeFileSync(join(scene.outside, 'only-outside'), '');
    const seen = new Set<string>();
    await whileSwapped(scene.in('folder'), scene.outside, async () => {
      // Long enough to have seen the folder too, however the swaps fall.
      const found = () => seen.has('inside') && seen.has('secret');
      for (let n = 0; n < 3000 || (n < 100_000 && !found()); n += 1) {
        const read = await scene.read('folder/secret');
        const listed = await scene.list('folder');
        seen.add(read.part ? Buffer.from(read.part.data, 'base64').toString() : String(read.code));
        for (const { name } of listed.folder?.entries ?? []) seen.add(name);
      }
    });
    expect([...seen].filter((what) => !['INVALID_REQUEST', 'FILE_NOT_FOUND'].includes(what)).sort()).toEqual([
      'inside',
      'secret',
    ]);
  });

  test('lets nothing be written there', async () => {
    await using scene = await setUp();
    mkdirSync(scene.in('uploads'));
    let kept = 0;
    await whileSwapped(scene.in('uploads'), scene.outside, async () => {
      for (let n = 0; n < 500; n += 1) {
        const one = part('1', { name: `n${n}` });
        await scene.ask(one);
        if ((await scene.ask(keep(one))).ok) kept += 1;
      }
    });
    expect(readdirSync(scene.outside)).toEqual(['secret']);
    expect(kept).toBeGreaterThan(0);
  });
});
