import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentConfig, AgentStatus } from '../src/runtime.ts';
import { type KubernetesFixture, kubeconfig, never, openKubernetes, randomTeam } from './kubernetes-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const waits = { timeoutMs: 60_000 };

describe.skipIf(!kubeconfig)('what can go wrong with pods (needs Kubernetes)', () => {
  let fixture: KubernetesFixture;
  let team: string;
  let namespace: string;
  let told: string[];

  beforeEach(async () => {
    fixture = await openKubernetes();
    team = randomTeam();
    namespace = `agentcrew-${team}`;
    told = [];
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const tell = (text: string) => void told.push(text);
  async function deploy(more: Partial<AgentConfig> = {}, runtime = fixture.runtime) {
    await runtime.deployInfra(infraOf(team), never, tell);
    return await runtime.deployAgent({ ...agentConfig(team, 'lead'), ...more }, never, tell);
  }
  /** What a failed deploy says; nothing of the agent is left then. */
  async function failureOf(deploying: Promise<unknown>): Promise<string> {
    const error = await deploying.then(
      () => new Error('the deploy succeeded'),
      (reason: unknown) => reason as Error,
    );
    expect(await fixture.runtime.listAgents()).toEqual([]);
    expect((await fixture.core.listNamespacedPod({ namespace, labelSelector: 'agentcrew.agent' })).items).toEqual([]);
    return error.message;
  }
  const isRunning = async (id: string) => (await fixture.runtime.getStatus(id)).state === 'running';

  it('a pod deleted by hand is told of at once, and comes back on its own with its log', async () => {
    const changes: AgentStatus[] = [];
    using _ = fixture.runtime.watch((change) => changes.push(change));
    const { id } = await deploy();
    const { metadata } = (await fixture.podOf(id)) ?? {};
    const end = new AbortController();
    const spoken: string[] = [];
    const reading = (async () => {
      for await (const { line } of fixture.runtime.streamLogs(id, { follow: true, signal: end.signal })) {
        if (spoken.push(line) === 2) end.abort();
      }
    })();
    await waitFor('the first line', () => spoken.length === 1, waits);
    await fixture.core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace });
    const asked = Date.now();
    await waitFor('the news', () => changes.at(-1)?.state === 'error', waits);
    expect(Date.now() - asked).toBeLessThan(5_000);
    await waitFor('the recovery', () => changes.at(-1)?.state === 'running', waits);
    await reading;
    expect((await fixture.podOf(id))?.metadata?.uid).not.toBe(metadata?.uid);
    await deploy();
    expect(await isRunning(id)).toBe(true);
  });

  it('says that an agent used more memory than it has', async () => {
    const config = { env: { BEHAVIOUR: 'hungry' }, resources: { memory: 128 * 1024 ** 2 } };
    expect(await failureOf(deploy(config))).toMatch(/^agent lead ended while starting \(OOMKilled: out of memory\)/);
  });

  it('says that an agent ended, and its last words without its secrets', async () => {
    const text = await failureOf(deploy({ env: { BEHAVIOUR: 'exit' } }));
    expect(text).toBe('agent lead ended while starting (exit code 3): cannot work with [redacted]');
    // Before its pod was gone.
    expect(told.at(-1)).toBe(text);
  });

  it('says that an image is not to be had', async () => {
    const text = await failureOf(deploy({ image: 'localhost:9/agentcrew/absent:1' }));
    expect(text).toMatch(
      /^agent lead does not start: ImagePullBackOff: .*localhost:9\/agentcrew\/absent:1.*connection refused/,
    );
  });

  it('says why the state of an agent could not be deleted', async () => {
    const { id } = await deploy();
    const runtime = await fixture.reopen({ agentImage: 'localhost:9/agentcrew/absent:1' });
    expect(await failureOf(runtime.removeAgent(id))).toContain('/agent-lead could not be deleted: ImagePullBackOff: ');
  });

  it('says what an agent that does not get ready waits for', async () => {
    const runtime = await fixture.reopen({ readyTimeoutMs: 2_000 });
    const text = await failureOf(deploy({ env: { BEHAVIOUR: 'never-ready' } }, runtime));
    expect(text).toBe('agent lead was not ready after 2 s: the consumer is missing');
  });

  it('says that no node takes an agent, at first as progress', async () => {
    const runtime = await fixture.reopen({ nodeSelector: { 'no.such/label': 'x' }, scheduleTimeoutMs: 5_000 });
    await fixture.runtime.deployInfra(infraOf(team), never);
    const text = await failureOf(runtime.deployAgent(agentConfig(team, 'lead'), never, tell));
    expect(text).toMatch(/^agent lead does not start: Unschedulable: 0\/\d+ nodes are available/);
    expect(told.at(-1)).toContain('Unschedulable');
  });

  it('says that a quota is used up, for an agent and for NATS', async () => {
    await fixture.runtime.deployInfra(infraOf(team), never);
    const metadata = { name: 'small' };
    await fixture.core.createNamespacedResourceQuota({ namespace, body: { metadata, spec: { hard: { pods: '1' } } } });
    // Before its controller has counted what there is, a quota refuses nothing.
    const counted = async () => {
      const { status } = await fixture.core.readNamespacedResourceQuota({ name: 'small', namespace });
      return status?.used?.pods === '1';
    };
    await waitFor('the quota to count', counted, waits);
    expect(await failureOf(deploy())).toMatch(/^agent lead does not start: .*exceeded quota: small/);
    await fixture.runtime.teardownInfra(team);
    const body = { metadata, spec: { hard: { pods: '0' } } };
    await fixture.core.replaceNamespacedResourceQuota({ name: 'small', namespace, body });
    const infra = fixture.runtime.deployInfra(infraOf(team), never);
    await expect(infra).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('exceeded quota: small'),
    });
  });

  it('waits for a namespace that somebody deletes, and makes everything anew', async () => {
    const { id } = await deploy();
    await fixture.core.deleteNamespace({ name: namespace });
    await waitFor('the runtime to see it', async () => !(await isRunning(id)), waits);
    expect(await deploy()).toMatchObject({ id, state: 'running' });
    expect(told).toContain(`waiting until the old namespace ${namespace} is gone`);
  });

  it('makes what somebody took away again: NATS and its Secret, the Service, the policies', async () => {
    const { id } = await deploy();
    await fixture.apps.deleteNamespacedDeployment({ name: 'nats', namespace });
    await fixture.core.deleteNamespacedSecret({ name: 'nats-auth-token', namespace });
    await fixture.core.deleteNamespacedService({ name: 'nats', namespace });
    await deploy();
    await fixture.core.readNamespacedSecret({ name: 'nats-auth-token', namespace });
    await fixture.core.readNamespacedService({ name: 'nats', namespace });
    expect(await isRunning(id)).toBe(true);
  });

  it('takes the pod and the Secret of an agent along whose StatefulSet somebody has deleted alone', async () => {
    const { id } = await deploy();
    await fixture.apps.deleteNamespacedStatefulSet({
      namespace,
      name: 'agent-lead',
      body: { propagationPolicy: 'Orphan' },
    });
    await waitFor('it to be gone', async () => (await fixture.runtime.listAgents()).length === 0, waits);
    expect(await fixture.podOf(id)).toBeDefined();
    await fixture.runtime.teardownInfra(team, { removeData: false });
    const { items: pods } = await fixture.core.listNamespacedPod({ namespace, labelSelector: 'agentcrew.agent' });
    const { items: secrets } = await fixture.core.listNamespacedSecret({ namespace });
    expect(pods).toEqual([]);
    expect(secrets.map(({ metadata }) => metadata?.name)).not.toContain('agent-lead');
  });

  it('makes an agent anew whose StatefulSet somebody has deleted, and leaves the new pod alone', async () => {
    const { id } = await deploy();
    const { uid: before } = (await fixture.podOf(id))?.metadata ?? {};
    await fixture.apps.deleteNamespacedStatefulSet({ namespace, name: 'agent-lead' });
    const ended = new Set<string>();
    const looking = setInterval(async () => {
      const { uid = '', deletionTimestamp } = (await fixture.podOf(id).catch(() => undefined))?.metadata ?? {};
      if (uid !== before && deletionTimestamp) ended.add(uid);
    }, 100);
    try {
      await deploy();
    } finally {
      clearInterval(looking);
    }
    expect([...ended].filter((uid) => uid !== '')).toEqual([]);
    expect((await fixture.podOf(id))?.metadata?.uid).not.toBe(before);
    expect(await isRunning(id)).toBe(true);
  });

  it('leaves alone what somebody else made under a name it needs', async () => {
    await fixture.core.createNamespace({ body: { metadata: { name: namespace } } });
    try {
      await expect(deploy()).rejects.toMatchObject({
        code: 'RUNTIME_FAILED',
        message: expect.stringContaining(`namespace ${namespace} was not made by this server`),
      });
      await fixture.runtime.teardownInfra(team, { removeData: true });
      const { status } = await fixture.core.readNamespace({ name: namespace });
      expect(status?.phase).toBe('Active');
    } finally {
      await fixture.core.deleteNamespace({ name: namespace });
    }
  });

  it('adopts what another server of its installation has started', async () => {
    const { id } = await deploy();
    const { metadata } = (await fixture.podOf(id)) ?? {};
    const next = await fixture.reopen();
    expect(await next.listAgents()).toEqual([expect.objectContaining({ id, state: 'running' })]);
    await deploy({}, next);
    expect((await fixture.podOf(id))?.metadata?.uid).toBe(metadata?.uid);
  });
});
