import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { testKubeconfig } from '@agentcrew/testkit';
import { image, mark, type Place } from './place.ts';

/** So little that twenty agents find room on a small node. */
const requests = { cpu: '10m', memory: '64Mi' };
const limits = { cpu: '2', memory: '2Gi' };
const readyWithin = '120s';
const removedWithin = '300s';
/** Of any command. */
const commandMs = 330_000;

/** The cluster of KUBECONFIG; no other one is touched. */
export function onKubernetes(): Place {
  const kubeconfig = testKubeconfig();
  if (!kubeconfig) throw new Error('Set KUBECONFIG to the kubeconfig of a cluster for benchmarks.');
  return {
    runtime: 'kubernetes',
    bare: 'a bare pod',
    env: {
      RUNTIME: 'kubernetes',
      KUBECONFIG: kubeconfig,
      AGENT_IMAGE: image,
      KUBERNETES_AGENT_REQUESTS: pairs(requests),
      KUBERNETES_AGENT_LIMITS: pairs(limits),
    },
    roundMs: 900_000,
    runAtOnce,
    // They take a while: Kubernetes answers long before a namespace is gone with all that was in it.
    removeInstance: (instance) => remove('namespace', `agentcrew.instance=${instance}`),
    limits: () => [],
  };
}

function pairs(quantities: Record<string, string>): string {
  return Object.entries(quantities)
    .map(([name, quantity]) => `${name}=${quantity}`)
    .join();
}

/** Until all pods of one `kubectl create` are ready. */
async function runAtOnce(count: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const id = randomBytes(4).toString('hex');
  const selector = `${mark}=${id}`;
  const pods = { apiVersion: 'v1', kind: 'List', items: Array.from({ length: count }, (_, index) => pod(id, index)) };
  try {
    const began = performance.now();
    // Its check would first download what the cluster knows about all kinds of objects.
    await kubectl(['create', '--validate=false', '--filename', '-'], JSON.stringify(pods));
    await kubectl(['wait', 'pod', '--for', 'condition=Ready', '--selector', selector, '--timeout', readyWithin]);
    return performance.now() - began;
  } finally {
    await remove('pod', selector);
  }
}

/** As an agent's pod is, without all that makes it an agent. */
function pod(id: string, index: number) {
  const container = {
    name: 'agent',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sleep', '600'],
    resources: { requests, limits },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `bench-${id}-${index}`, labels: { [mark]: id } },
    spec: {
      containers: [container],
      restartPolicy: 'Never',
      // `sleep` does not end when it is asked to.
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  };
}

async function remove(kind: string, selector: string): Promise<void> {
  await kubectl(['delete', kind, '--selector', selector, '--ignore-not-found', '--timeout', removedWithin]);
}

async function kubectl(args: string[], input = ''): Promise<void> {
  const running = promisify(execFile)('kubectl', args, { timeout: commandMs, maxBuffer: 10_000_000 });
  running.child.stdin?.end(input);
  await running;
}
