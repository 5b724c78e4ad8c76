import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { temporaryFolder, testKubeconfig, waitFor } from '@agentcrew/testkit';
import { KubeConfig, type V1PodSpec } from '@kubernetes/client-node';
import { type Cluster, openCluster } from '../src/kubernetes/cluster.ts';
import { ifPresent } from '../src/kubernetes/cluster-errors.ts';
import { openStream } from '../src/kubernetes/streaming-request.ts';

export const kubeconfig = testKubeconfig();
export const waits = { timeoutMs: 90_000 };

/** A namespace of its own to start pods in. Disposing deletes it. */
export interface PodsFixture extends AsyncDisposable {
  cluster: Cluster;
  namespace: string;
  /** Resolves with the pod's uid when it is ready. */
  start(pod: string, spec: V1PodSpec, labels?: Record<string, string>): Promise<string>;
  uidOf(pod: string): Promise<string | undefined>;
  /** Deletes it and resolves when it is gone. */
  remove(pod: string): Promise<void>;
}

export async function openPods(): Promise<PodsFixture> {
  const cluster = await openCluster({ environment: { KUBECONFIG: kubeconfig } });
  const { core } = cluster;
  const namespace = `agentcrew-test-${randomBytes(4).toString('hex')}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const read = async (pod: string) => ifPresent(core.readNamespacedPod({ namespace, name: pod }));
  return {
    cluster,
    namespace,
    async start(pod, spec, labels = {}) {
      await waitFor('the default service account', async () =>
        core.readNamespacedServiceAccount({ namespace, name: 'default' }),
      );
      const common = { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false };
      const body = { metadata: { name: pod, labels }, spec: { ...common, ...spec } };
      await core.createNamespacedPod({ namespace, body });
      const started = await waitFor(`${pod} to be ready`, async () => ready(await read(pod)), waits);
      return started.metadata?.uid ?? '';
    },
    uidOf: async (pod) => (await read(pod))?.metadata?.uid,
    async remove(pod) {
      await core.deleteNamespacedPod({ namespace, name: pod });
      await waitFor(`${pod} to be gone`, async () => (await read(pod)) === undefined, waits);
    },
    async [Symbol.asyncDispose]() {
      await core.deleteNamespace({ name: namespace });
    },
  };
}

function ready<T extends { status?: { conditions?: { type: string; status: string }[] } }>(pod: T | undefined) {
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
}

async function scripted(script: string): Promise<V1PodSpec> {
  const command = ['node', '-e', await readFile(new URL(script, import.meta.url), 'utf8')];
  const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 };
  const image = 'node:24-bookworm-slim';
  return { containers: [{ name: 'agent', image, imagePullPolicy: 'IfNotPresent', command, readinessProbe }] };
}

/** A pod that does what its HTTP port is told: `/say/WORDS`, `/fill/LINES`, `/crash/WORDS`. */
export const obedient = await scripted('./obedient.cjs');

/** A pod with ports to connect to: 9001 echoes, 9002 sends without an end, 9003 reads after `/read`, 9004 says goodbye. */
export const peers = await scripted('./peers.cjs');

/** Tells a pod what to do, through the API server. @returns its answer */
export async function tell({ cluster, namespace }: PodsFixture, pod: string, order: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}:8080/proxy/${order}`;
  return await text(await openStream(cluster.config, { path, idleMs: 30_000 }));
}

/** A way to the API server of the tests that can be cut, as when it restarts. */
export interface ClusterProxy extends AsyncDisposable {
  cluster: Cluster;
  /** Connections that are open. */
  connections(): number;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function proxyToCluster(): Promise<ClusterProxy> {
  const direct = new KubeConfig();
  direct.loadFromFile(kubeconfig ?? '');
  const { hostname, port } = new URL(direct.getCurrentCluster()?.server ?? '');
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port || 443), allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const address = server.address();
  const local = typeof address === 'object' && address ? address.port : 0;
  const cut = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  return {
    cluster: await clusterAt(direct, `https://127.0.0.1:${local}`),
    connections: () => sockets.size / 2,
    cut,
    mend: async () => listen(local),
    async [Symbol.asyncDispose]() {
      if (server.listening) await cut();
    },
  };
}

async function clusterAt(config: KubeConfig, server: string): Promise<Cluster> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'kubeconfig');
  config.clusters = config.clusters.map(({ name }) => ({ name, server, skipTLSVerify: true }));
  await writeFile(file, config.exportConfig());
  return await openCluster({ environment: { KUBECONFIG: file } });
}
