import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../src/runtime.ts';
import { freezeInPod, hasDaemons, restartDaemon } from './cluster-daemons.ts';
import { type KubernetesFixture, kubeconfig, never, openKubernetes, randomTeam } from './kubernetes-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const waits = { timeoutMs: 90_000 };

describe.skipIf(!kubeconfig || !hasDaemons)('restarts in the cluster itself (needs the daemons of Kubernetes)', () => {
  let fixture: KubernetesFixture;
  let team: string;
  let changes: AgentStatus['state'][];
  let watch: Disposable;

  beforeEach(async () => {
    fixture = await openKubernetes();
    team = randomTeam();
    changes = [];
    watch = fixture.runtime.watch(({ agent, state }) => agent === 'lead' && changes.push(state));
  });
  afterEach(async () => {
    watch[Symbol.dispose]();
    await fixture[Symbol.asyncDispose]();
  });

  async function deploy() {
    await fixture.runtime.deployInfra(infraOf(team), never);
    return await fixture.runtime.deployAgent(agentConfig(team, 'lead'), never);
  }
  const answers = async () =>
    fixture.core.getAPIResources().then(
      () => true,
      () => false,
    );

  it('the API server: calls say that it is away, a deploy and the watch go on where they were', async () => {
    const { id } = await deploy();
    const { uid } = (await fixture.podOf(id))?.metadata ?? {};
    const deploying = fixture.runtime.deployAgent(agentConfig(team, 'worker'), never);
    await waitFor('the pod of a second agent', async () => await fixture.podOf(`agentcrew-${team}/agent-worker-0`));
    await restartDaemon('kube-apiserver', async () => {
      await expect(fixture.runtime.listAgents()).rejects.toMatchObject({
        code: 'RUNTIME_FAILED',
        message: expect.stringContaining('Kubernetes does not answer at https://'),
      });
    });
    await waitFor('the API server', answers, waits);
    expect(await deploying).toMatchObject({ state: 'running' });
    expect(await fixture.runtime.getStatus(id)).toMatchObject({ state: 'running' });
    expect((await fixture.podOf(id))?.metadata?.uid).toBe(uid);
    expect(changes).toEqual(['running']);
    await fixture.kill(id);
    await waitFor('the news of a death after it', () => changes.includes('error'), waits);
    await waitFor('the recovery', () => changes.at(-1) === 'running', waits);
  });

  it('the kubelet: agents go on, and what died meanwhile is told of', async () => {
    const { id } = await deploy();
    const { uid } = (await fixture.podOf(id))?.metadata ?? {};
    await restartDaemon('kubelet', async () => {
      expect(await fixture.runtime.getStatus(id)).toMatchObject({ state: 'running' });
    });
    await waitFor('the kubelet', async () => (await fixture.shell(id, 'echo here').catch(() => '')) === 'here', waits);
    expect((await fixture.podOf(id))?.metadata?.uid).toBe(uid);
    await deploy();
    expect((await fixture.podOf(id))?.metadata?.uid).toBe(uid);
    await fixture.kill(id);
    await waitFor('the news of a death after it', () => changes.includes('error'), waits);
    await waitFor('the recovery', () => changes.at(-1) === 'running', waits);
  });

  it('a NATS that hangs is started again', async () => {
    const { id } = await deploy();
    const namespace = `agentcrew-${team}`;
    const nats = async () =>
      (await fixture.core.listNamespacedPod({ namespace, labelSelector: 'agentcrew.role=nats' })).items[0];
    await freezeInPod((await nats())?.metadata?.uid ?? '', 'nats-server');
    const restarts = async () => (await nats())?.status?.containerStatuses?.[0]?.restartCount;
    await waitFor('NATS to be started again', async () => ((await restarts()) ?? 0) > 0, waits);
    await deploy();
    expect(await fixture.runtime.getStatus(id)).toMatchObject({ state: 'running' });
  });
});
