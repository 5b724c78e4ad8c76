import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CrewError, messageOf } from '@agentcrew/protocol';
import {
  AppsV1Api,
  type Configuration,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  KubernetesObjectApi,
  ServerConfiguration,
} from '@kubernetes/client-node';

/** A call without an answer for so long fails; what waits for something to happen asks again and again. */
const callTimeoutMs = 30_000;
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

type Environment = Record<string, string | undefined>;

/** The API of a Kubernetes cluster. */
export interface Cluster {
  /** Any kind of object, by server-side apply. */
  readonly objects: KubernetesObjectApi;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  /** For watches, logs and port-forwards, which are no calls with an answer. */
  readonly config: KubeConfig;
  /** Where it is, for messages. */
  readonly address: string;
  /** Whether this process runs in a pod of the cluster, and so reaches its Services. */
  readonly inside: boolean;
  /** Namespace of this process's pod, outside the one of the kubeconfig's context. */
  readonly namespace: string;
}

export interface ClusterOptions {
  /** Context of the kubeconfig; default: its current one. */
  context?: string;
  environment: Environment;
}

/**
 * The cluster that this process runs in, else the one of `KUBECONFIG`, else that of `~/.kube/config`.
 * @throws CrewError RUNTIME_FAILED when there is none
 */
export async function openCluster({ context, environment }: ClusterOptions): Promise<Cluster> {
  const inside = isInside(environment);
  const config = new KubeConfig();
  if (inside) config.loadFromCluster();
  else loadKubeconfig(config, kubeconfigFiles(environment), context);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw noCluster('the kubeconfig has no current context');
  const configuration = configurationOf(config, cluster.server);
  return {
    objects: new KubernetesObjectApi(configuration),
    core: new CoreV1Api(configuration),
    apps: new AppsV1Api(configuration),
    config,
    address: cluster.server,
    inside,
    namespace: inside
      ? (await readFile(join(serviceAccount, 'namespace'), 'utf8')).trim()
      : (config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'),
  };
}

function isInside(environment: Environment): boolean {
  return Boolean(environment.KUBERNETES_SERVICE_HOST) && existsSync(join(serviceAccount, 'token'));
}

function kubeconfigFiles({ KUBECONFIG, HOME }: Environment): string[] {
  const named = KUBECONFIG?.split(delimiter).filter((file) => file !== '') ?? [];
  return named.length > 0 ? named : [join(HOME || homedir(), '.kube', 'config')];
}

/** Several files of KUBECONFIG are one, as for kubectl: the first one that says something wins. */
function loadKubeconfig(config: KubeConfig, files: string[], context: string | undefined): void {
  const [first, ...others] = files.filter((file) => existsSync(file));
  if (first === undefined) throw noCluster(`there is no kubeconfig at ${files.join(', ')}`);
  try {
    config.loadFromFile(first);
    for (const file of others) {
      const more = new KubeConfig();
      more.loadFromFile(file);
      config.mergeConfig(more, true);
    }
  } catch (error) {
    throw noCluster(`the kubeconfig ${files.join(', ')} cannot be used: ${messageOf(error)}`);
  }
  if (context === undefined) return;
  if (!config.getContextObject(context)) throw noCluster(`the kubeconfig has no context ${context}`);
  config.setCurrentContext(context);
}

function noCluster(reason: string): CrewError {
  return new CrewError(
    'RUNTIME_FAILED',
    `No Kubernetes to run agents in: ${reason}. Set KUBECONFIG, or run the server in the cluster.`,
  );
}

/** Like the client's own, and every call has a deadline. */
function configurationOf(config: KubeConfig, server: string): Configuration {
  return createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setHeaderParam('User-Agent', 'agentcrew-api');
          request.setSignal(AbortSignal.timeout(callTimeoutMs));
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
}
