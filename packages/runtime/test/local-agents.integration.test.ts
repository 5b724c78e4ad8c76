import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { agentConfig, exists, infraOf, never, openLocal, table } from './local-fixture.ts';

// No server of our own: these are about the agents' processes.
const external = { externalNatsUrl: 'nats://user:password@127.0.0.1:4222' };

const gone = async (pid: number) => (await table.identify(pid)) === undefined;

describe('agents on this host', () => {
  it('are handed their secrets through the pipe only', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    const pid = await local.pidOf(id);
    const shown = await Promise.all(['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')));
    for (const text of shown) {
      expect(text).not.toContain('canary-api-key');
      expect(text).not.toContain('token-of-crew');
    }
    expect(shown[0]?.split('\0')).toContain(`AGENTCREW_AGENT=${local.instance}/crew/lead`);
    expect((await stat(local.stateFile(id, ''))).mode & 0o777).toBe(0o700);
    await local.runtime.teardownInfra('crew', { removeData: true });
  });

  it('are adopted by the next server', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    const pid = await local.pidOf(id);
    const next = local.reopen();
    expect(await next.listAgents()).toEqual([expect.objectContaining({ id, state: 'running' })]);
    await next.deployAgent(agentConfig('crew', 'lead'), never);
    expect(await local.pidOf(id)).toBe(pid);
    await next.teardownInfra('crew');
    expect(await next.listAgents()).toEqual([]);
  });

  it('are found without a record, when a server was killed before it wrote one', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    const lost = await local.pidOf(id);
    await rm(local.stateFile(id, 'process.json'));
    const next = local.reopen();
    expect(await next.listAgents()).toEqual([
      expect.objectContaining({ id, team: 'crew', agent: 'lead', state: 'error' }),
    ]);
    await next.deployAgent(agentConfig('crew', 'lead'), never);
    expect(await gone(lost ?? 0)).toBe(true);
    expect(await next.listAgents()).toEqual([expect.objectContaining({ id, state: 'running' })]);
    await rm(local.stateFile(id, 'process.json'));
    await next.teardownInfra('crew');
    expect(await next.listAgents()).toEqual([]);
  });

  it('leave nothing behind, also not in another session', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead', 'spawn-child'), never);
    const child = Number(await readFile(local.stateFile(id, 'child.pid'), 'utf8'));
    expect(await gone(child)).toBe(false);
    const sidecar = await local.pidOf(id);
    process.kill(sidecar ?? 0, 'SIGKILL');
    await waitFor('the death to be seen', async () => (await local.runtime.getStatus(id)).state === 'error');
    await local.runtime.stopAgent(id);
    expect(await gone(child)).toBe(true);
    expect((await local.runtime.getStatus(id)).state).toBe('stopped');
  });

  it('are killed when they do not end', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead', 'stubborn'), never);
    const pid = await local.pidOf(id);
    await local.runtime.removeAgent(id);
    expect(await gone(pid ?? 0)).toBe(true);
    expect(await exists(local.stateFile(id, ''))).toBe(false);
  });

  it('say why they ended, without their secrets', async () => {
    await using local = await openLocal(external);
    const deploying = local.runtime.deployAgent(agentConfig('crew', 'lead', 'exit'), never);
    await expect(deploying).rejects.toMatchObject({
      code: 'AGENT_FAILED',
      message: 'agent lead ended while starting (exit code 3): cannot work with [redacted]',
    });
  });

  it('say what they wait for', async () => {
    await using local = await openLocal({ ...external, readyTimeoutMs: 3_000 });
    const deploying = local.runtime.deployAgent(agentConfig('crew', 'lead', 'never-ready'), never);
    await expect(deploying).rejects.toMatchObject({
      code: 'AGENT_NOT_READY',
      message: expect.stringMatching(/not ready after 3 s: (the consumer is missing|it has not opened)/),
    });
    expect(await local.runtime.listAgents()).toEqual([]);
  });

  it('fail clearly when they cannot be started at all', async () => {
    await using local = await openLocal({ ...external, nodeExecutable: '/nowhere/node' });
    const deploying = local.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    await expect(deploying).rejects.toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('ENOENT') });
  });

  it('of another installation are left alone', async () => {
    await using ours = await openLocal(external);
    await using theirs = await openLocal(external);
    const { id } = await theirs.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    expect(await ours.runtime.listAgents()).toEqual([]);
    await ours.runtime.stopAgent(id);
    await ours.runtime.teardownInfra('crew', { removeData: true });
    expect((await theirs.runtime.getStatus(id)).state).toBe('running');
    await theirs.runtime.teardownInfra('crew', { removeData: true });
  });

  it('do not take a stranger with a recorded pid for theirs', async () => {
    await using local = await openLocal(external);
    const { id } = await local.runtime.deployAgent(agentConfig('crew', 'lead'), never);
    const record = JSON.parse(await readFile(local.stateFile(id, 'process.json'), 'utf8'));
    await local.runtime.stopAgent(id);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const ended = once(stranger, 'exit');
    try {
      await once(stranger, 'spawn');
      await writeFile(local.stateFile(id, 'process.json'), JSON.stringify({ ...record, pid: stranger.pid }));
      expect((await local.runtime.getStatus(id)).state).toBe('error');
      await local.runtime.stopAgent(id);
      expect(await gone(stranger.pid ?? 0)).toBe(false);
    } finally {
      stranger.kill('SIGKILL');
      await ended;
    }
  });

  it('work in the folder of the user, which no teardown touches', async () => {
    await using folder = await temporaryFolder();
    await using local = await openLocal(external);
    const workspacePath = join(folder.path, 'mine');
    const infra = { ...infraOf('crew'), workspacePath };
    await expect(local.runtime.deployInfra(infra, never)).rejects.toMatchObject({ code: 'INVALID_TEAM' });
    await mkdir(workspacePath);
    await local.runtime.deployInfra(infra, never);
    await local.runtime.deployAgent({ ...agentConfig('crew', 'lead'), workspacePath }, never);
    await local.runtime.teardownInfra('crew', { removeData: true });
    expect(await exists(workspacePath)).toBe(true);
    expect(await exists(join(local.dataDir, 'teams', 'crew'))).toBe(false);
  });

  it('use the nats-server of the operator when there is one', async () => {
    await using local = await openLocal(external);
    await local.runtime.deployInfra(infraOf('crew'), never);
    expect(local.runtime.natsUrl('crew')).toBe(external.externalNatsUrl);
    expect(await local.runtime.natsConnectUrl('crew')).toEqual({ url: external.externalNatsUrl });
    expect(await exists(join(local.dataDir, 'nats'))).toBe(false);
  });

  it('are refused when the data directory cannot be used', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    await using local = await openLocal({ ...external, dataDir: file });
    const refused = { code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining(file) };
    await expect(local.runtime.deployInfra(infraOf('crew'), never)).rejects.toMatchObject(refused);
  });
});
