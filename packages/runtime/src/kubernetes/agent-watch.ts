import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@agentcrew/protocol';
import { ListWatch, type V1Pod, Watch } from '@kubernetes/client-node';
import type { AgentStatus } from '../runtime.ts';
import { agentLooks } from '../shared/agent-looks.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { statusReports } from '../shared/status-reports.ts';
import type { KubernetesAgents } from './agents.ts';
import type { Cluster } from './cluster.ts';
import { wordsOf } from './cluster-errors.ts';
import { allAgentsOf, annotation } from './labels.ts';
import { lastEnd, restartsOf } from './pod-steps.ts';

/** After a watch that broke; the timer of whoever watches looks meanwhile. */
const pauses = { shortestMs: 250, longestMs: 5_000 };

export interface WatchOptions {
  cluster: Pick<Cluster, 'core' | 'config'>;
  instance: string;
  agents: Pick<KubernetesAgents, 'status' | 'list' | 'isBusy'>;
  log: RuntimeLogger;
}

/** What Kubernetes tells of the agents' pods, passed on to whoever watches. */
export interface AgentWatch extends Disposable {
  add(onChange: (change: AgentStatus) => void): Disposable;
  /** Looks at an agent and reports it when its state is another than before. */
  look(id: string): Promise<void>;
}

/** The client gives up a watch in which nothing happens for 30 s, and the API server sends its bookmark at the end. */
const watchSeconds = 25;

/** A watch that is told of the newest version also when nothing happens, so that it can go on there after a break. */
class BookmarkedWatch extends Watch {
  override async watch(
    path: string,
    query: Record<string, string | number | boolean | undefined>,
    callback: (phase: string, object: unknown, watchObject?: unknown) => void,
    done: (error: unknown) => void,
  ): Promise<AbortController> {
    try {
      const bookmarked = { ...query, allowWatchBookmarks: true, timeoutSeconds: watchSeconds };
      return await super.watch(path, bookmarked, callback, done);
    } catch (error) {
      // The client waits for nobody when it begins a watch again: credentials that cannot be had just then would end
      // the process.
      done(error);
      return new AbortController();
    }
  }
}

/** Follows the pods of an installation from now on, through restarts of the API server. */
export function watchAgents({ cluster, instance, agents, log }: WatchOptions): AgentWatch {
  const reports = statusReports(agents.isBusy, log);
  const stop = new AbortController();
  const { look, lookAtAll } = agentLooks({ agents, reports, wordsOf, stop: stop.signal, log });
  const labelSelector = allAgentsOf(instance);
  const list = async () => {
    const pods = await cluster.core.listPodForAllNamespaces({ labelSelector });
    void lookAtAll();
    return pods;
  };
  const pods = new ListWatch<V1Pod>('/api/v1/pods', new BookmarkedWatch(cluster.config), list, false, labelSelector);
  let pauseMs = pauses.shortestMs;

  /** By the pod's uid. */
  const restarts = new Map<string, number>();
  pods.on('change', (pod) => {
    pauseMs = pauses.shortestMs;
    const { namespace, name, uid = '', annotations } = pod.metadata ?? {};
    const { [annotation.team]: team = '', [annotation.agent]: agent = '' } = annotations ?? {};
    const id = `${namespace}/${name}`;
    // Kubernetes may tell of an end only when the agent is at work again, and a look finds it at work.
    if (restartsOf(pod) > (restarts.get(uid) ?? Number.POSITIVE_INFINITY)) {
      const message = `the agent ended (${lastEnd(pod)})`;
      log.warn({ agent: id, reason: message }, 'Kubernetes has started an agent again');
      reports.report({ id, team, agent, state: 'error', message });
    }
    restarts.set(uid, restartsOf(pod));
    void look(id);
  });
  pods.on('delete', ({ metadata }) => restarts.delete(metadata?.uid ?? ''));
  pods.on('error', (error: unknown) => void again(error));

  /** Goes on where it was when the API server still knows that, else with a new list. */
  async function again(error: unknown): Promise<void> {
    if (stop.signal.aborted) return;
    log.warn({ err: messageOf(error) }, 'the watch of the pods broke and is begun again');
    await sleep(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, pauses.longestMs);
    if (!stop.signal.aborted) await pods.start();
  }
  void pods.start();

  return {
    look,
    add: (onChange) => reports.add(onChange),
    [Symbol.dispose]() {
      stop.abort();
      void pods.stop();
      reports[Symbol.dispose]();
    },
  };
}
