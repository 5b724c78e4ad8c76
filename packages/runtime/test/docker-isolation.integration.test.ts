import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../src/runtime.ts';
import { type DockerFixture, docker, hasDocker, never, openDocker, shellIn } from './docker-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const canary = 'canary-api-key-4711';

describe.skipIf(!hasDocker)('what an agent in a container can do (needs Docker)', () => {
  let fixture: DockerFixture;
  let team: string;

  beforeEach(async () => {
    fixture = await openDocker();
    team = `t${randomBytes(4).toString('hex')}`;
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  async function deploy(more: Partial<AgentConfig> = {}) {
    const config = { ...agentConfig(team, 'lead'), ...more };
    await fixture.runtime.deployInfra(infraOf(config.team), never);
    return await fixture.runtime.deployAgent(config, never);
  }

  it('shows no secret in what can be inspected, nor to the commands of the agent', async () => {
    const { id } = await deploy();
    const { natsToken } = infraOf(team);
    const agent = await fixture.containerOf(id);
    const nats = await docker.getContainer(`team-${team}-nats`).inspect();
    const seen = [
      JSON.stringify([agent, nats]),
      await fixture.shell(id, 'env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; true'),
      await fixture.shell(id, 'grep -rl canary /workspace /state /tmp /run /app; true'),
    ].join();
    expect(seen).toContain('AGENT_SPEC_FILE');
    expect(seen).not.toContain(canary);
    expect(seen).not.toContain(natsToken);
    await shellIn(nats.Id, 'cat /etc/agentcrew/nats.conf');
    await expect(shellIn(nats.Id, 'cat /etc/agentcrew/nats.conf', '2000')).rejects.toThrow('Permission denied');
  });

  it('writes to its workspace, its state and /tmp only, as nobody special', async () => {
    const { id } = await deploy();
    await fixture.shell(id, 'touch /workspace/a /state/a /tmp/a');
    for (const place of ['/a', '/etc/a', '/usr/local/bin/a', '/app/a', '/var/tmp/a', '/home/node/a', '/run/a']) {
      await expect(fixture.shell(id, `touch ${place}`), place).rejects.toThrow();
    }
    const status = await fixture.shell(id, 'grep -E "^(Uid|CapEff|CapBnd|NoNewPrivs)" /proc/self/status');
    expect(status.split(/\s+/)).toEqual(expect.arrayContaining(['1000', '0000000000000000', 'NoNewPrivs:', '1']));
    expect(status).toMatch(/CapEff:\s0+\s+CapBnd:\s0+\s+NoNewPrivs:\s1/);
  });

  it('is held to its limits', async () => {
    const { id } = await deploy({ resources: { cpu: 0.5, memory: 128 * 1024 ** 2 } });
    expect((await fixture.containerOf(id))?.HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 134_217_728 });
    await expect(fixture.shell(id, 'node -e "Buffer.alloc(300e6, 1)"')).rejects.toThrow('exit code 137');
    // Without the limit of memory, which so many shells would reach first.
    await deploy();
    const forks = 'i=0; while [ $i -lt 2000 ]; do sleep 20 & i=$((i+1)); done';
    await expect(fixture.shell(id, forks)).rejects.toThrow(/[Cc]annot fork/);
  });

  it('reaches nothing of another team', async () => {
    const { id } = await deploy();
    const other = `${team}x`;
    await deploy({ ...agentConfig(other, 'lead') });
    const inspected = await docker.getContainer(`team-${other}-nats`).inspect();
    const address = inspected.NetworkSettings.Networks[`team-${other}`]?.IPAddress;
    const connect = (host: string) =>
      `timeout 5 node -e "require('net').connect(4222,'${host}').on('connect',()=>process.exit(0)).on('error',()=>process.exit(7))"`;
    await fixture.shell(id, connect(`team-${team}-nats`));
    await expect(fixture.shell(id, connect(`team-${other}-nats`))).rejects.toThrow('exit code 7');
    await expect(fixture.shell(id, connect(address ?? ''))).rejects.toThrow(/exit code (7|124)/);
  });
});
