import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { testKubeconfig } from '@agentcrew/testkit';
import { agentImage } from './docker.ts';

const commandMs = 120_000;

/** Output of a kubectl command in the cluster of the tests; rejects when it fails. */
export async function kubectl(...args: string[]): Promise<string> {
  const options = { timeout: commandMs, maxBuffer: 20_000_000 };
  const { stdout } = await promisify(execFile)('kubectl', [...kubeconfigFlags(), ...args], options);
  return stdout.trim();
}

/** What kubectl needs to know to use the cluster of the tests. */
export function kubeconfigFlags(): string[] {
  const kubeconfig = testKubeconfig();
  if (kubeconfig === undefined) throw new Error('KUBECONFIG names no cluster to test in');
  return ['--kubeconfig', kubeconfig];
}

const cluster = await findCluster();

/**
 * Where pods reach this machine, on which the scripted model listens: where the cluster's API server is, if that is this
 * machine. `undefined` when the tests cannot run.
 */
export const { host } = cluster;

/** Name of a suite, with what it lacks if a cluster is not all. */
export function suite(name: string): string {
  return name.replace('(needs Kubernetes)', `(needs ${cluster.need})`);
}

async function findCluster(): Promise<{ host?: string; need: string }> {
  if (testKubeconfig() === undefined || !(await hasImages())) return { need: 'Kubernetes' };
  const server = await kubectl('config', 'view', '--minify', '--output', 'jsonpath={.clusters[0].cluster.server}');
  const { hostname } = new URL(server);
  if (await isOurs(hostname)) return { host: hostname, need: 'Kubernetes' };
  return { need: 'Kubernetes whose pods reach this machine' };
}

/** Tried, because Node.js lists no address of a bridge to which no pod is attached. */
async function isOurs(hostname: string): Promise<boolean> {
  if (/^(127\.|localhost$|\[::1\]$)/.test(hostname)) return false;
  const server = createServer().listen(0, hostname);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function hasImages(): Promise<boolean> {
  const names = '{.items[*].status.images[*].names[*]}';
  const images = await kubectl('get', 'nodes', '--output', `jsonpath=${names}`).catch(() => '');
  return images.split(/\s/).some((name) => name.endsWith(`/${agentImage}`));
}

const kinds = [
  'pods',
  'statefulsets',
  'deployments',
  'services',
  'configmaps',
  'networkpolicies',
  'persistentvolumeclaims',
] as const;

/** Everything that can be seen in a namespace without the right to read Secrets, as YAML. */
export async function visible(namespace: string): Promise<string> {
  return await kubectl('get', [...kinds, 'events'].join(), '--namespace', namespace, '--output', 'yaml');
}

/** Everything in the namespaces of an installation, with them, as `kind/name`; sorted. */
export async function madeBy(instance: string): Promise<string[]> {
  const label = `agentcrew.instance=${instance}`;
  const namespaces = names(await kubectl('get', 'namespaces', '--selector', label, '--output', 'name'));
  const contents = namespaces.map((namespace) => contentOf(namespace.replace('namespace/', '')));
  return [...namespaces, ...(await Promise.all(contents)).flat()].toSorted();
}

async function contentOf(namespace: string): Promise<string[]> {
  const found = await kubectl('get', [...kinds, 'secrets'].join(), '--namespace', namespace, '--output', 'name');
  // What the cluster itself puts into every namespace.
  return names(found).filter((name) => !/^(secret\/default-token-|configmap\/kube-root-ca\.crt$)/.test(name));
}

function names(output: string): string[] {
  return output.split('\n').filter(Boolean);
}

/** Removes everything of an installation, whatever its state. */
export async function removeAll(instance: string): Promise<void> {
  await kubectl('delete', 'namespaces', '--selector', `agentcrew.instance=${instance}`);
}

/** Names of the pods that are ready and not being deleted. */
export async function readyPods(namespace: string): Promise<string[]> {
  const output = await kubectl('get', 'pods', '--namespace', namespace, '--output', 'json');
  const { items } = JSON.parse(output) as { items: Pod[] };
  return items
    .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && isReady(status))
    .map(({ metadata }) => metadata.name);
}

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[] };
}

function isReady({ conditions = [] }: Pod['status']): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
