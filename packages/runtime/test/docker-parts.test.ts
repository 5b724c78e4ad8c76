import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { agentContainer } from '../src/docker/agent-container.ts';
import { agentPlan } from '../src/docker/agent-plan.ts';
import { dockerRuntime } from '../src/docker/index.ts';
import { carries, fingerprint, label, labelled } from '../src/docker/labels.ts';
import { logEntries } from '../src/docker/log-frames.ts';
import { linesOfLog } from '../src/docker/log-lines.ts';
import { agentId, containerNames, parseAgentId, teamNames } from '../src/docker/names.ts';
import { pullProgress } from '../src/docker/pull-progress.ts';
import { registryAuth, registryOf } from '../src/docker/registry-auth.ts';
import { agentConfig } from './local-fixture.ts';

const log = { info() {}, warn() {}, error() {} };

/** Output as the engine multiplexes it. */
function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** The same bytes in pieces of one size. */
function* cut(data: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < data.length; start += size) yield data.subarray(start, start + size);
}

describe('names', () => {
  test('an id names a team and an agent, and nothing else does', () => {
    expect(parseAgentId(agentId('crew', 'lead'))).toEqual({ team: 'crew', agent: 'lead' });
    for (const id of ['', 'lead', 'local:crew/lead', 'docker:crew', 'docker:crew/a/b', 'docker:../etc']) {
      expect(parseAgentId(id)).toBeUndefined();
    }
  });

  test('no agent has the name of a NATS, and colliding agents have another one to take', () => {
    expect(containerNames('crew', 'lead').plain).toBe('team-crew-lead');
    expect(containerNames('a', 'b-nats').plain).not.toBe(teamNames('a-b').natsContainer);
    const [first, second] = [containerNames('a', 'b-c'), containerNames('a-b', 'c')];
    expect(first.plain).toBe(second.plain);
    expect(first.other).not.toBe(second.other);
  });

  test('the host name of NATS fits into DNS', () => {
    expect(teamNames('crew').natsHost).toBe('team-crew-nats');
    const [long, longer] = [teamNames('x'.repeat(63)).natsHost, teamNames('x'.repeat(64)).natsHost];
    expect(long.length).toBeLessThanOrEqual(63);
    expect(long).not.toBe(longer);
  });
});

describe('labels', () => {
  test('a fingerprint depends on the installation and on the content, whatever the order', () => {
    expect(fingerprint('i', { a: 1, b: 2 })).toBe(fingerprint('i', { b: 2, a: 1 }));
    expect(fingerprint('i', { a: 1 })).not.toBe(fingerprint('j', { a: 1 }));
    expect(fingerprint('i', { a: 1 })).not.toBe(fingerprint('i', { a: 2 }));
  });

  test('a container is that of one agent, and not of another with its name', async () => {
    const options = { instance: 'i', agentImage: 'sidecar', busOf: () => ({ nats_url: 'nats://bus' }) };
    const configOf = async (agent_id: string) => {
      const plan = await agentPlan(options, { ...agentConfig('crew', 'lead'), agent_id });
      return agentContainer(plan).Labels[label.config];
    };
    expect(await configOf('one')).toBe(await configOf('one'));
    expect(await configOf('one')).not.toBe(await configOf('two'));
  });

  test('all wanted labels must be there', () => {
    expect(carries({ a: '1', b: '2' }, { a: '1' })).toBe(true);
    expect(carries({ a: '2' }, { a: '1' })).toBe(false);
    expect(carries(undefined, { a: '1' })).toBe(false);
    expect(labelled({ a: '1', b: '2' })).toEqual({ label: ['a=1', 'b=2'] });
  });
});

describe('output of the engine', () => {
  const stamp = (second: number) => `2026-01-02T03:04:0${second}.123456789Z`;
  const data = Buffer.concat([
    frame(1, `${stamp(1)} gr`),
    frame(2, `${stamp(2)} wrong\r\n`),
    frame(1, `${stamp(3)} üße\n`),
    frame(1, `${stamp(4)} the end`),
  ]);

  test.each([1, 3, 7, 10_000])('becomes lines with stream and time, however it is cut (%i bytes)', async (size) => {
    const lines = await Array.fromAsync(linesOfLog(logEntries(cut(data, size))));
    expect(lines.map(({ stream, line, time }) => [stream, line, time])).toEqual([
      ['stderr', 'wrong', '2026-01-02T03:04:02.123Z'],
      ['stdout', 'grüße', '2026-01-02T03:04:01.123Z'],
      ['stdout', 'the end', '2026-01-02T03:04:04.123Z'],
    ]);
  });
});

test('a download is told once a second, with the sum of its layers', () => {
  let now = 0;
  const progress = pullProgress('repo/image:1', () => now);
  const layer = (id: string, current: number) => ({
    id,
    status: 'Downloading',
    progressDetail: { current: current * 1e6, total: 20e6 },
  });
  expect(progress({ status: 'Pulling from repo/image' })).toBe('downloading the image repo/image:1');
  expect(progress(layer('a', 5))).toBeUndefined();
  now = 1_000;
  expect(progress(layer('b', 10))).toBe('downloading the image repo/image:1: 15 of 40 MB');
});

describe('logins of registries', () => {
  test.each([
    ['node:24', 'https://index.docker.io/v1/'],
    ['library/node', 'https://index.docker.io/v1/'],
    ['docker.io/library/node', 'https://index.docker.io/v1/'],
    ['ghcr.io/a/b:1', 'ghcr.io'],
    ['localhost:5000/a', 'localhost:5000'],
    ['localhost/a', 'localhost'],
  ])('%s belongs to %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry);
  });

  test('come from the Docker config or its helper', async () => {
    await using folder = await temporaryFolder();
    const environment = { DOCKER_CONFIG: folder.path };
    expect(await registryAuth('ghcr.io/a/b', environment)).toBeUndefined();
    const write = async (config: object) => writeFile(join(folder.path, 'config.json'), JSON.stringify(config));
    await write({ auths: { 'ghcr.io': { auth: Buffer.from('me:pass:word').toString('base64') } } });
    expect(await registryAuth('ghcr.io/a/b', environment)).toMatchObject({ username: 'me', password: 'pass:word' });
    expect(await registryAuth('node', environment)).toBeUndefined();

    const helper = join(folder.path, 'docker-credential-test');
    await writeFile(helper, '#!/bin/sh\nread host\necho "{\\"Username\\":\\"for $host\\",\\"Secret\\":\\"s\\"}"\n');
    await chmod(helper, 0o755);
    await write({ credHelpers: { 'ghcr.io': 'test' } });
    const path = { ...environment, PATH: `${folder.path}:${process.env.PATH}` };
    expect(await registryAuth('ghcr.io/a/b', path)).toMatchObject({ username: 'for ghcr.io', password: 's' });
  });

  test('a broken config is told without what it holds', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'config.json'), '{"auths": secret-canary');
    const failed = registryAuth('ghcr.io/a/b', { DOCKER_CONFIG: folder.path });
    await expect(failed).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.not.stringContaining('canary'),
    });
  });
});

test('an engine that is not there is told with what to do', async () => {
  const runtime = dockerRuntime({
    instance: 'i',
    agentImage: 'a',
    log,
    docker: { socketPath: '/nowhere/docker.sock' },
  });
  await expect(runtime.listAgents()).rejects.toMatchObject({
    code: 'RUNTIME_FAILED',
    message: 'Docker does not answer at unix:///nowhere/docker.sock (ENOENT): start it or set DOCKER_HOST',
  });
  const infra = runtime.deployInfra({ team: 'crew', natsToken: 't' }, new AbortController().signal);
  await expect(infra).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
  await runtime[Symbol.asyncDispose]();
});
