import { ConfigError, readConfig } from '@agentcrew/api/config.ts';
import { kubernetesOptions } from '@agentcrew/api/kubernetes/options.ts';
import { describe, expect, test } from 'vitest';

const kubernetes = (env: Record<string, string>) => readConfig({ RUNTIME: 'kubernetes', ...env });

function problemsOf(env: Record<string, string>): string[] {
  try {
    kubernetes(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('nothing has to be set', () => {
  expect(kubernetesOptions(kubernetes({}))).toEqual({
    agentImage: 'agentcrew-sidecar:dev',
    natsImage: 'nats:2.10-alpine',
    context: undefined,
    clusterDomain: 'cluster.local',
    workspace: { size: '1Gi', storageClass: undefined, accessMode: 'ReadWriteOnce' },
    natsStorage: { size: '1Gi' },
    agentRequests: { cpu: '100m', memory: '256Mi' },
    agentLimits: { cpu: '2', memory: '2Gi' },
    runtimeClassName: undefined,
    nodeSelector: {},
    tolerations: undefined,
    imagePullSecrets: [],
    labels: {},
    scheduleTimeoutMs: 120_000,
  });
});

test('everything can be', () => {
  const toleration = { key: 'agents', operator: 'Equal', value: 'only', effect: 'NoExecute', tolerationSeconds: 60 };
  const env = {
    AGENT_IMAGE: 'registry/agent:1',
    NATS_IMAGE: 'registry/nats:1',
    KUBERNETES_CONTEXT: 'me@here',
    KUBERNETES_CLUSTER_DOMAIN: 'corp.example',
    KUBERNETES_STORAGE_CLASS: 'fast',
    KUBERNETES_WORKSPACE_SIZE: '1.5Ti',
    KUBERNETES_WORKSPACE_ACCESS_MODE: 'ReadWriteMany',
    KUBERNETES_NATS_SIZE: '500M',
    KUBERNETES_AGENT_REQUESTS: 'cpu=.5, memory=1G, nvidia.com/gpu=1',
    KUBERNETES_AGENT_LIMITS: 'cpu=500m,memory=1Gi,ephemeral-storage=2Gi,nvidia.com/gpu=1',
    KUBERNETES_RUNTIME_CLASS: 'gvisor',
    KUBERNETES_NODE_SELECTOR: 'kubernetes.io/arch=amd64,pool=',
    KUBERNETES_TOLERATIONS: JSON.stringify([toleration, { operator: 'Exists' }]),
    KUBERNETES_IMAGE_PULL_SECRETS: 'login, other.login',
    KUBERNETES_LABELS: 'example.org/cost-centre=R_1.2,team=a',
    KUBERNETES_SCHEDULE_TIMEOUT: '10m',
  };
  expect(kubernetesOptions(kubernetes(env))).toEqual({
    agentImage: 'registry/agent:1',
    natsImage: 'registry/nats:1',
    context: 'me@here',
    clusterDomain: 'corp.example',
    workspace: { size: '1.5Ti', storageClass: 'fast', accessMode: 'ReadWriteMany' },
    natsStorage: { size: '500M' },
    agentRequests: { cpu: '.5', memory: '1G', 'nvidia.com/gpu': '1' },
    agentLimits: { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '2Gi', 'nvidia.com/gpu': '1' },
    runtimeClassName: 'gvisor',
    nodeSelector: { 'kubernetes.io/arch': 'amd64', pool: '' },
    tolerations: [toleration, { operator: 'Exists' }],
    imagePullSecrets: ['login', 'other.login'],
    labels: { 'example.org/cost-centre': 'R_1.2', team: 'a' },
    scheduleTimeoutMs: 600_000,
  });
});

const tolerations = (toleration: unknown) => ({ KUBERNETES_TOLERATIONS: JSON.stringify([toleration]) });

describe('is told what is wrong with', () => {
  test.each([
    [{ KUBERNETES_CLUSTER_DOMAIN: 'Cluster.local' }, 'lower-case'],
    [{ KUBERNETES_CLUSTER_DOMAIN: 'cluster.local.' }, 'lower-case'],
    [{ KUBERNETES_STORAGE_CLASS: '-fast' }, 'lower-case'],
    [{ KUBERNETES_RUNTIME_CLASS: 'x'.repeat(254) }, 'lower-case'],
    [{ KUBERNETES_IMAGE_PULL_SECRETS: 'a,b_c' }, 'lower-case'],
    [{ KUBERNETES_WORKSPACE_SIZE: '512m' }, 'write "512Mi"'],
    [{ KUBERNETES_WORKSPACE_SIZE: '10GB' }, 'not "10GB"'],
    [{ KUBERNETES_NATS_SIZE: '0' }, 'more than nothing'],
    [{ KUBERNETES_WORKSPACE_ACCESS_MODE: 'ReadOnlyMany' }, 'ReadWriteOnce, ReadWriteMany'],
    [{ KUBERNETES_AGENT_REQUESTS: 'memory=512m' }, 'memory must not be "512m", which is thousandths of a byte'],
    [{ KUBERNETES_AGENT_REQUESTS: 'cpu' }, 'key=value'],
    [{ KUBERNETES_AGENT_LIMITS: 'cpu=1,cpu=2' }, 'cpu twice'],
    [{ KUBERNETES_AGENT_LIMITS: 'cpu=-1' }, 'cpu must be a quantity'],
    [{ KUBERNETES_AGENT_LIMITS: 'disk=1Gi' }, 'disk is no resource'],
    [{ KUBERNETES_AGENT_LIMITS: 'nvidia.com/gpu=0.5' }, 'nvidia.com/gpu must be a whole number'],
    [{ KUBERNETES_NODE_SELECTOR: 'a b=c' }, 'not "a b"'],
    [{ KUBERNETES_NODE_SELECTOR: 'a/b/c=d' }, 'not "a/b/c"'],
    [{ KUBERNETES_NODE_SELECTOR: `${'x'.repeat(64)}=d` }, 'must have keys'],
    [{ KUBERNETES_LABELS: 'a=b c' }, 'not "b c"'],
    [{ KUBERNETES_LABELS: `a=${'x'.repeat(64)}` }, 'must have values'],
    [{ KUBERNETES_LABELS: 'agentcrew.team=mine' }, "the server's own"],
    [{ KUBERNETES_LABELS: 'app.kubernetes.io/name=mine' }, "the server's own"],
    [{ KUBERNETES_TOLERATIONS: '[{' }, 'JSON array'],
    [{ KUBERNETES_TOLERATIONS: '{"operator": "Exists"}' }, 'JSON array'],
    [tolerations({ key: 'a', effects: 'NoSchedule' }), '[0] has no field effects'],
    [tolerations({ key: 'a', effect: 'Never' }), '[0].effect must be one of NoSchedule'],
    [tolerations({ key: 'a b' }), '[0].key must be the key'],
    [tolerations({ key: 'a', value: 'b c' }), '[0].value must be the value'],
    [tolerations({ key: 'a', operator: 'Exists', value: 'b' }), '[0] must not have a value'],
    [tolerations({ effect: 'NoSchedule' }), '[0] needs a key'],
    [tolerations({ key: 'a', tolerationSeconds: 1 }), '[0] may have tolerationSeconds only'],
    [tolerations({ key: 'a', effect: 'NoExecute', tolerationSeconds: 1.5 }), '[0].tolerationSeconds'],
    [{ KUBERNETES_SCHEDULE_TIMEOUT: 'soon' }, 'duration'],
    [{ NATS_URL: 'nats://host:4222' }, 'each team has its own NATS'],
    [{ KUBERNETES_AGENT_REQUESTS: 'memory=3Gi' }, 'memory must not exceed that of KUBERNETES_AGENT_LIMITS'],
    [{ KUBERNETES_AGENT_REQUESTS: 'example.org/fpga=1' }, 'must be the same in KUBERNETES_AGENT_LIMITS'],
  ])('%o', (env, rule) => {
    const [name] = Object.keys(env);
    expect(problemsOf(env)).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
    expect(problemsOf(env).join()).toContain(rule);
  });

  test('the password of a NATS_URL stays secret', () => {
    expect(problemsOf({ NATS_URL: 'nats://user:canary@host:4222' }).join()).not.toContain('canary');
  });

  test('other runtimes have their NATS_URL', () => {
    expect(readConfig({ RUNTIME: 'docker', NATS_URL: 'nats://host:4222' }).NATS_URL).toBe('nats://host:4222');
  });
});
