import { randomBytes, randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { testKubeconfig, waitFor } from '@agentcrew/testkit';
import { AppsV1Api, CoreV1Api, Exec, KubeConfig, type V1Pod, type V1Status } from '@kubernetes/client-node';
import { afterAll } from 'vitest';
import { removeEndedPods } from '../src/kubernetes/ended-pods.ts';
import { type KubernetesRuntimeOptions, kubernetesRuntime } from '../src/kubernetes/index.ts';
import { namespaceOf } from '../src/kubernetes/names.ts';
import { containerSecurity, podSecurity } from '../src/kubernetes/pod-security.ts';
import type { AgentRuntime } from '../src/runtime.ts';
import { testSettings } from './kubernetes-settings.ts';

const silent = { info() {}, warn() {}, error() {} };
export const never = new AbortController().signal;
const waits = { timeoutMs: 60_000 };

export const kubeconfig = testKubeconfig();

export function adminConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig ?? '');
  return config;
}

/** A runtime with an instance of its own, and the means to look behind it. Disposing removes all it has made. */
export interface KubernetesFixture extends AsyncDisposable {
  instance: string;
  runtime: AgentRuntime;
  core: CoreV1Api;
  apps: AppsV1Api;
  /** A second server's runtime of the same installation, as after a restart. */
  reopen(overrides?: Partial<KubernetesRuntimeOptions>): Promise<AgentRuntime>;
  /** Namespaces of the installation, those that are ending included. */
  namespaces(): Promise<string[]>;
  /** The agent's pod; `undefined` when it has none. */
  podOf(id: string): Promise<V1Pod | undefined>;
  /** Output of a shell command in the agent's container; rejects when it fails. */
  shell(id: string, command: string): Promise<string>;
  /** Kills the sidecar as a crash would. */
  kill(id: string): Promise<void>;
  /** Runs a command in a pod of its own that has the team's workspace at /volume. @returns whether it succeeds */
  inWorkspace(team: string, command: string): Promise<boolean>;
}

/** Namespaces that tests have left behind; what they wait for need not hold up the next test. */
const ending: string[] = [];
afterAll(async () => {
  const core = adminConfig().makeApiClient(CoreV1Api);
  const left = async () =>
    (await core.listNamespace()).items.filter(({ metadata }) => ending.includes(metadata?.name ?? ''));
  const areGone = async () => {
    const names = (await left()).map(({ metadata }) => metadata?.name ?? '');
    for (const name of names) await removeEndedPods({ core }, name);
    return names.length === 0;
  };
  if (ending.length > 0) await waitFor('the namespaces to be gone', areGone, { timeoutMs: 150_000, intervalMs: 500 });
});

/** A name that no other test uses: Kubernetes takes its time to end a namespace. */
export function randomTeam(): string {
  return `t${randomBytes(5).toString('hex')}`;
}

export async function openKubernetes(overrides: Partial<KubernetesRuntimeOptions> = {}): Promise<KubernetesFixture> {
  const instance = randomUUID();
  const opened: AgentRuntime[] = [];
  const reopen = async (more: Partial<KubernetesRuntimeOptions> = {}) => {
    const options = { ...testSettings, instance, log: silent, readyTimeoutMs: 30_000, ...overrides, ...more };
    const runtime = await kubernetesRuntime(options);
    opened.push(runtime);
    return runtime;
  };
  const runtime = await reopen();
  const config = adminConfig();
  const core = config.makeApiClient(CoreV1Api);
  const labelSelector = `agentcrew.instance=${instance}`;
  const listNamespaces = async () => (await core.listNamespace({ labelSelector })).items;

  async function shell(id: string, command: string): Promise<string> {
    const [namespace = '', name = ''] = id.split('/');
    return await shellIn(config, namespace, name, command);
  }

  return {
    instance,
    runtime,
    core,
    apps: config.makeApiClient(AppsV1Api),
    reopen,
    namespaces: async () => (await listNamespaces()).map(({ metadata }) => metadata?.name ?? ''),
    async podOf(id) {
      const [namespace = '', name = ''] = id.split('/');
      return await core.readNamespacedPod({ namespace, name }).catch(() => undefined);
    },
    shell,
    async kill(id) {
      await shell(id, `kill -9 $(sed 's/.*"pid"://; s/}//' /state/health.json)`).catch(() => '');
    },
    inWorkspace: async (team, command) => inVolume(core, namespaceOf(team), command),
    async [Symbol.asyncDispose]() {
      for (const { metadata } of await listNamespaces()) {
        await core.deleteNamespace({ name: metadata?.name ?? '' });
        ending.push(metadata?.name ?? '');
      }
      for (const one of opened) await one[Symbol.asyncDispose]();
    },
  };
}

/** Runs a command in a pod's container. */
async function shellIn(config: KubeConfig, namespace: string, pod: string, command: string): Promise<string> {
  const output = new PassThrough();
  const { promise, resolve, reject } = Promise.withResolvers<V1Status>();
  const words = ['sh', '-c', command];
  const socket = await new Exec(config).exec(namespace, pod, 'agent', words, output, output, null, false, resolve);
  socket.onclose = () => reject(new Error(`the pod ${pod} ended with the command`));
  const { status, message } = await promise;
  output.end();
  const said = (await text(output)).trim();
  if (status !== 'Success') throw new Error(`${message}: ${said}`);
  return said;
}

async function inVolume(core: CoreV1Api, namespace: string, command: string): Promise<boolean> {
  const claim = await core.readNamespacedPersistentVolumeClaim({ name: 'workspace', namespace }).catch(() => undefined);
  if (!claim) return false;
  const name = `look-${randomBytes(4).toString('hex')}`;
  const volumeMounts = [{ name: 'workspace', mountPath: '/volume', subPath: 'workspace' }];
  const container = {
    name: 'look',
    image: testSettings.agentImage,
    imagePullPolicy: 'Never',
    securityContext: containerSecurity,
  };
  const spec = {
    restartPolicy: 'Never',
    securityContext: podSecurity,
    containers: [{ ...container, command: ['sh', '-c', command], volumeMounts }],
    volumes: [{ name: 'workspace', persistentVolumeClaim: { claimName: 'workspace' } }],
  };
  await core.createNamespacedPod({ namespace, body: { metadata: { name }, spec } });
  const phase = async () => (await core.readNamespacedPod({ name, namespace })).status?.phase;
  try {
    await waitFor('the command to end', async () => /Succeeded|Failed/.test((await phase()) ?? ''), waits);
    return (await phase()) === 'Succeeded';
  } finally {
    await core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
  }
}
