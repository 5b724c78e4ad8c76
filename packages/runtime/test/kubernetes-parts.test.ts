import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentSecret, agentStatefulSet } from '../src/kubernetes/agent-objects.ts';
import { agentPlan } from '../src/kubernetes/agent-plan.ts';
import { agentId, agentName, agentObject, namespaceOf, parseAgentId } from '../src/kubernetes/names.ts';
import { gatewayPolicy, teamPolicies } from '../src/kubernetes/network-policies.ts';
import { stepOf } from '../src/kubernetes/pod-steps.ts';
import { testSettings } from './kubernetes-settings.ts';
import { agentConfig } from './local-fixture.ts';

const slugs = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/);
const team = { instance: 'i', team: 'crew', apiNamespace: undefined };

describe('names in Kubernetes', () => {
  it.each([
    ['crew', 'agentcrew-crew'],
    ['crew-2', 'agentcrew-crew-2'],
    ['Crew', /^agentcrew-crew-[0-9a-f]{8}$/],
    ['my_crew', /^agentcrew-my-crew-[0-9a-f]{8}$/],
    ['crew-', /^agentcrew-crew-[0-9a-f]{8}$/],
    ['crew-0a1b2c3d', /^agentcrew-crew-0a1b2c3d-[0-9a-f]{8}$/],
    ['x'.repeat(64), /^agentcrew-x{44}-[0-9a-f]{8}$/],
  ])('puts team %s into the namespace %s', (slug, name) => {
    expect(namespaceOf(slug)).toMatch(name);
  });

  it('gives every slug a name of its own that Kubernetes takes', () => {
    fc.assert(
      fc.property(slugs, slugs, (one, other) => {
        expect(namespaceOf(one)).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(agentObject(one)).toMatch(/^agent-[a-z0-9]([a-z0-9-]{0,44}[a-z0-9])?$/);
        if (one === other) return;
        expect(namespaceOf(one)).not.toBe(namespaceOf(other));
        expect(agentName(one)).not.toBe(agentName(other));
      }),
    );
  });

  it('tells namespaces apart that differ in case and signs only', () => {
    const names = ['a-b', 'a_b', 'A-b', 'A_B', 'a-B'].map(namespaceOf);
    expect(new Set(names).size).toBe(names.length);
  });

  it('reads its own ids and nothing else', () => {
    expect(parseAgentId(agentId('crew', 'lead'))).toEqual({ namespace: 'agentcrew-crew', name: 'agent-lead' });
    for (const id of [
      '',
      'docker:crew/lead',
      'kube-system/agent-lead-0',
      'agentcrew-crew/nats-0',
      'agentcrew-a/b/agent-c-0',
    ])
      expect(parseAgentId(id), id).toBeUndefined();
  });
});

describe('how far a pod is', () => {
  const pod = (status: V1Pod['status'], deletionTimestamp?: Date): V1Pod => ({
    metadata: { deletionTimestamp },
    status,
  });
  const containerNamed = (name: string, state: V1ContainerState) => {
    return { name, image: '', imageID: '', ready: false, restartCount: 0, state };
  };
  const withContainer = (state: V1ContainerState, lastState?: V1ContainerState, ready = false) =>
    pod({
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ ...containerNamed('agent', state), ready, lastState }],
    });
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' };

  it.each<[string, V1Pod, object]>([
    ['new', pod({}), { kind: 'waiting' }],
    ['without a node', pod({ conditions: [unschedulable] }), { kind: 'waiting', reason: 'Unschedulable: 0/1 nodes' }],
    ['with a container to come', withContainer({ waiting: { reason: 'ContainerCreating' } }), { kind: 'waiting' }],
    [
      'that failed to pull once',
      withContainer({ waiting: { reason: 'ErrImagePull', message: 'no' } }),
      { kind: 'waiting' },
    ],
    [
      'that cannot get its image',
      withContainer({ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }),
      { kind: 'failed', reason: 'ImagePullBackOff: no such image' },
    ],
    [
      'whose kubelet is behind with its secrets',
      withContainer({
        waiting: {
          reason: 'CreateContainerConfigError',
          message: 'failed to sync secret cache: timed out waiting for the condition',
        },
      }),
      { kind: 'waiting' },
    ],
    [
      'whose secret is not there',
      withContainer({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "agent-lead" not found' } }),
      { kind: 'failed', reason: 'CreateContainerConfigError: secret "agent-lead" not found' },
    ],
    ['that runs', withContainer({ running: {} }), { kind: 'running' }],
    ['that is ready', withContainer({ running: {} }, undefined, true), { kind: 'ready' }],
    ['that ended', withContainer({ terminated: { exitCode: 3 } }), { kind: 'failed', reason: 'exit code 3' }],
    [
      'that used too much memory',
      withContainer(
        { waiting: { reason: 'CrashLoopBackOff' } },
        { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      ),
      { kind: 'failed', reason: 'it ends again and again (OOMKilled: out of memory)' },
    ],
    [
      'that was put out',
      pod({ phase: 'Failed', reason: 'Evicted', message: 'disk' }),
      { kind: 'failed', reason: 'Evicted: disk' },
    ],
    [
      'beside whose container a mesh has put its own',
      pod({ containerStatuses: [containerNamed('a-proxy', { running: {} }), containerNamed('nats', { waiting: {} })] }),
      { kind: 'waiting' },
    ],
    ['that is ending', pod({ phase: 'Running' }, new Date()), { kind: 'waiting', reason: 'the old pod is ending' }],
  ])('one %s', (_, one, step) => {
    expect(stepOf(one)).toMatchObject(step);
  });
});

describe('who may talk to whom', () => {
  const named = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
  const inModels = { to: [{ namespaceSelector: named('models') }] };
  const tcp = (port: number) => [{ protocol: 'TCP', port }];

  it('lets the server in by its namespace when it runs in the cluster', () => {
    const ingress = (apiNamespace: string | undefined) =>
      teamPolicies({ ...team, apiNamespace }).find(({ metadata }) => metadata?.name === 'nats')?.spec?.ingress?.[0]
        ?._from;
    expect(ingress(undefined)).toHaveLength(1);
    expect(ingress('agentcrew')).toContainEqual({
      namespaceSelector: named('agentcrew'),
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'agentcrew-api' } },
    });
  });

  it.each([
    [undefined, undefined],
    ['https://api.example', undefined],
    ['https://api.example:8443/v1', [{ ports: tcp(8443) }]],
    ['http://gateway', [{ ports: tcp(80) }]],
    ['http://10.1.2.3:4000', [{ to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: tcp(4000) }]],
    ['http://[fd00::1]:4000', [{ to: [{ ipBlock: { cidr: 'fd00::1/128' } }], ports: tcp(4000) }]],
    // Its pods may be anywhere and listen at another port, or it has none and leads out of the cluster.
    ['https://gateway.models.svc', [inModels]],
    ['http://gateway.models.svc.cluster.local:8080/v1', [inModels, { ports: tcp(8080) }]],
    ['https://gateway.models.example', undefined],
  ])('opens for a Messages API at %s: %j', (url, rules) => {
    expect(gatewayPolicy(team, url)?.spec?.egress).toEqual(rules);
  });
});

describe("an agent's objects", () => {
  const settings = { ...testSettings, natsImage: 'nats', clusterDomain: 'cluster.local' };
  const objectOf = (more: object = {}, other: object = {}) =>
    agentStatefulSet(
      agentPlan({ instance: 'i', settings: { ...settings, ...other } }, { ...agentConfig('crew', 'lead'), ...more }),
    );

  it('changes its fingerprint with everything that matters', () => {
    const config = (...changes: object[]) => objectOf(...changes).metadata?.annotations?.['agentcrew.config'];
    const all = [
      config(),
      config({ agent_id: 'another of that name' }),
      config({ instructions: 'be brief' }),
      config({ image: 'mine' }),
      config({ resources: { cpu: 1 } }),
      config({ secrets: { nats_token: 'another' } }),
      config({}, { nodeSelector: { disk: 'ssd' } }),
      config({}, { labels: { team: 'blue' } }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(config()).toBe(config());
  });

  it('holds no secret', () => {
    const text = JSON.stringify(objectOf());
    expect(text).not.toContain('canary');
    expect(text).not.toContain('token-of-crew');
  });

  it('keeps the secrets of MCP servers in a key of its Secret that is not mounted', () => {
    const settingsOf = { instance: 'i', settings };
    const more = { secrets: { mcp: '{"db":{"env":{"TOKEN":"mcp-canary"}}}' } };
    const plan = agentPlan(settingsOf, { ...agentConfig('crew', 'lead'), ...more });
    const { data = {} } = agentSecret(plan);
    const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
    expect(text('mcp')).toBe(more.secrets.mcp);
    expect(text('agent.json')).toContain('"agent":"lead"');
    expect(text('agent.json')).not.toContain('mcp-canary');
    const pod = agentStatefulSet(plan).spec?.template.spec;
    expect(pod?.volumes?.find(({ name }) => name === 'spec')?.secret?.items?.map(({ key }) => key)).toEqual([
      'agent.json',
    ]);
    expect(pod?.containers[0]?.env).toContainEqual({
      name: 'MCP_SECRETS',
      valueFrom: { secretKeyRef: { name: 'agent-lead', key: 'mcp' } },
    });
    expect(JSON.stringify(pod)).not.toContain('mcp-canary');
    expect(Object.keys(agentSecret(agentPlan(settingsOf, agentConfig('crew', 'lead'))).data ?? {})).toEqual([
      'agent.json',
    ]);
  });

  it('lets agents on a volume for all nodes spread, and keeps those on a volume for one together', () => {
    const podOf = (accessMode: string) => objectOf({}, { workspace: { size: '1Gi', accessMode } }).spec?.template.spec;
    expect(podOf('ReadWriteOnce')).toMatchObject({ affinity: { podAffinity: expect.anything() } });
    expect(podOf('ReadWriteMany')?.affinity).toBeUndefined();
    expect(podOf('ReadWriteMany')?.topologySpreadConstraints).toHaveLength(1);
  });

  it('turns what an agent asks for into requests and limits, in Kubernetes notation', () => {
    const resources = (wanted?: object) =>
      objectOf({ resources: wanted }).spec?.template.spec?.containers[0]?.resources;
    expect(resources({ cpu: 0.5, memory: 512 * 1024 ** 2 })).toEqual({
      requests: { cpu: '500m', memory: '536870912' },
      limits: { cpu: '500m', memory: '536870912' },
    });
    expect(resources()).toEqual({ requests: testSettings.agentRequests, limits: testSettings.agentLimits });
  });

  it('refuses a description that is too long for a Secret', () => {
    expect(() => objectOf({ instructions: 'x'.repeat(1_000_001) })).toThrow('Kubernetes takes 1000000');
  });
});
