import { KubernetesObjectApi } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../src/runtime.ts';
import {
  adminConfig,
  type KubernetesFixture,
  kubeconfig,
  never,
  openKubernetes,
  randomTeam,
} from './kubernetes-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const canary = 'canary-api-key-4711';
const kinds: [string, string][] = [
  ['v1', 'Secret'],
  ['v1', 'Service'],
  ['v1', 'PersistentVolumeClaim'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
];

describe.skipIf(!kubeconfig)('what a team is made of in a cluster (needs Kubernetes)', () => {
  let fixture: KubernetesFixture;
  let team: string;
  let namespace: string;

  beforeEach(async () => {
    fixture = await openKubernetes();
    team = randomTeam();
    namespace = `agentcrew-${team}`;
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  async function deploy(more: Partial<AgentConfig> = {}, runtime = fixture.runtime) {
    await runtime.deployInfra(infraOf(team), never);
    return await runtime.deployAgent({ ...agentConfig(team, 'lead'), ...more }, never);
  }

  /** Versions of everything in the namespace that Kubernetes did not make by itself, by kind and name. */
  async function versions(): Promise<Record<string, string>> {
    const objects = KubernetesObjectApi.makeApiClient(adminConfig());
    const lists = await Promise.all(kinds.map(async ([version, kind]) => objects.list(version, kind, namespace)));
    const entries = lists.flatMap(({ items }, index) =>
      items
        .filter(({ metadata }) => !metadata?.name?.startsWith('default-token'))
        .map(({ metadata }) => [
          `${kinds[index]?.[1]}/${metadata?.name}`,
          metadata?.generation ?? metadata?.resourceVersion,
        ]),
    );
    return Object.fromEntries(entries);
  }

  it('changes only what differs', async () => {
    await deploy();
    const first = await versions();
    expect(Object.keys(first).toSorted()).toEqual([
      'Deployment/nats',
      'NetworkPolicy/agents',
      'NetworkPolicy/default-deny',
      'NetworkPolicy/nats',
      'PersistentVolumeClaim/nats',
      'PersistentVolumeClaim/workspace',
      'Secret/agent-lead',
      'Secret/anthropic-api-key',
      'Secret/nats-auth-token',
      'Service/nats',
      'StatefulSet/agent-lead',
    ]);
    const next = await fixture.reopen();
    await deploy({}, next);
    expect(await versions()).toEqual(first);

    const secrets = { ...agentConfig(team, 'lead').secrets, anthropic_api_key: 'another-key' };
    await deploy({ secrets }, next);
    const changed = Object.entries(await versions()).filter(([name, version]) => first[name] !== version);
    expect(changed.map(([name]) => name)).toEqual(['Secret/anthropic-api-key', 'StatefulSet/agent-lead']);
    const { data } = await fixture.core.readNamespacedSecret({ name: 'anthropic-api-key', namespace });
    expect(Buffer.from(data?.['api-key'] ?? '', 'base64').toString()).toBe('another-key');
  });

  it('lets agents reach a gateway until their team is stopped', async () => {
    await deploy({ anthropic_base_url: 'http://192.0.2.1:4000' });
    expect(await versions()).toHaveProperty('NetworkPolicy/model-gateway');
    await fixture.runtime.teardownInfra(team);
    expect(await versions()).not.toHaveProperty('NetworkPolicy/model-gateway');
  });

  it('is what the restricted profile demands, field by field', async () => {
    const { id } = await deploy();
    const [agent, nats] = [
      await fixture.podOf(id),
      (await fixture.core.listNamespacedPod({ namespace, labelSelector: 'agentcrew.role=nats' })).items[0],
    ];
    for (const { spec } of [agent ?? {}, nats ?? {}]) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 1000,
          fsGroup: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      expect(spec?.hostNetwork ?? spec?.hostPID ?? spec?.hostIPC).toBeUndefined();
      expect(spec?.containers).toEqual([
        expect.objectContaining({
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            privileged: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
          },
          livenessProbe: expect.anything(),
          readinessProbe: expect.anything(),
          resources: {
            requests: { cpu: expect.any(String), memory: expect.any(String) },
            limits: { cpu: expect.any(String), memory: expect.any(String) },
          },
        }),
      ]);
      for (const volume of spec?.volumes ?? [])
        expect(Object.keys(volume).filter((key) => key !== 'name')[0]).toMatch(
          /^(secret|emptyDir|persistentVolumeClaim)$/,
        );
    }
    const { metadata } = await fixture.core.readNamespace({ name: namespace });
    expect(metadata?.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(metadata?.annotations).toMatchObject({ 'agentcrew.team': team });
  });

  it('shows no secret but in Secrets', async () => {
    const { id } = await deploy();
    const objects = KubernetesObjectApi.makeApiClient(adminConfig());
    const visible = [
      ...kinds.filter(([, kind]) => kind !== 'Secret'),
      ['v1', 'Pod'] as const,
      ['v1', 'Event'] as const,
    ];
    const lists = await Promise.all(visible.map(async ([version, kind]) => objects.list(version, kind, namespace)));
    const described = await fixture.core.readNamespacedSecret({ name: 'agent-lead', namespace });
    const seen = JSON.stringify([lists, Buffer.from(described.data?.['agent.json'] ?? '', 'base64').toString()]);
    expect(seen).toContain('anthropic-api-key');
    expect(seen).not.toContain(canary);
    expect(seen).not.toContain(infraOf(team).natsToken);
    expect(await fixture.shell(id, 'cat /proc/*/cmdline; cat /run/agentcrew/*; ls -R /var/run /run')).not.toContain(
      'canary',
    );
  });

  it('writes to its workspace, its state and /tmp only, as nobody special', async () => {
    const { id } = await deploy();
    await fixture.shell(id, 'touch /workspace/a /state/a /tmp/a');
    for (const place of [
      '/a',
      '/etc/a',
      '/usr/local/bin/a',
      '/app/a',
      '/var/tmp/a',
      '/home/node/a',
      '/run/a',
      '/run/agentcrew/a',
    ])
      await expect(fixture.shell(id, `touch ${place}`), place).rejects.toThrow();
    const status = await fixture.shell(id, 'grep -E "^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status');
    expect(status).toMatch(/Uid:\s1000[\s\S]*CapEff:\s0+\s+CapBnd:\s0+\s+NoNewPrivs:\s1\s+Seccomp:\s2/);
  });

  it('keeps the state of an agent at a stop, from the other agents, and forgets it when the agent is removed', async () => {
    const { id } = await deploy();
    const other = await fixture.runtime.deployAgent(agentConfig(team, 'Other_one'), never);
    await fixture.shell(id, 'touch /state/session /workspace/shared');
    await fixture.shell(other.id, 'test -e /workspace/shared && test ! -e /state/session');
    await fixture.runtime.stopAgent(id);
    await deploy();
    await fixture.shell(id, 'test -e /state/session && mkdir /state/go && touch /state/go/mod && chmod 555 /state/go');
    await fixture.runtime.removeAgent(id);
    await deploy();
    await expect(fixture.shell(id, 'test -e /state/session -o -e /state/go')).rejects.toThrow();
    await fixture.shell(id, 'test -e /workspace/shared');
  });

  it('has only volumes and its namespace when it is stopped, and nothing when it is deleted', async () => {
    await deploy();
    await fixture.runtime.teardownInfra(team);
    expect(Object.keys(await versions())).toEqual(['PersistentVolumeClaim/nats', 'PersistentVolumeClaim/workspace']);
    expect((await fixture.core.listNamespacedPod({ namespace })).items).toEqual([]);
    await fixture.runtime.teardownInfra(team, { removeData: true });
    expect(await fixture.namespaces()).toEqual([]);
  });

  it('gets the image pull secrets, the placement and the labels that the operator wants', async () => {
    const name = `pull-${team}`;
    const type = 'kubernetes.io/dockerconfigjson';
    const data = { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') };
    await fixture.core.createNamespacedSecret({ namespace: 'default', body: { metadata: { name }, type, data } });
    try {
      const runtime = await fixture.reopen({
        imagePullSecrets: [name],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'agents', operator: 'Exists' }],
        labels: { 'cost-center': 'r-and-d' },
      });
      const { id } = await deploy({}, runtime);
      const pod = await fixture.podOf(id);
      expect(pod?.metadata?.labels).toMatchObject({ 'cost-center': 'r-and-d', 'agentcrew.role': 'worker' });
      expect(pod?.spec).toMatchObject({ imagePullSecrets: [{ name }], nodeSelector: { 'kubernetes.io/os': 'linux' } });
      expect(pod?.spec?.tolerations).toContainEqual({ key: 'agents', operator: 'Exists' });
      expect(await fixture.core.readNamespacedSecret({ name, namespace })).toMatchObject({ type, data });
      await runtime.teardownInfra(team);
      expect(Object.keys(await versions())).not.toContain(`Secret/${name}`);
    } finally {
      await fixture.core.deleteNamespacedSecret({ name, namespace: 'default' });
    }
  });
});
