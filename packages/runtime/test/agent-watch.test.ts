import type { ServerResponse } from 'node:http';
import { waitFor } from '@agentcrew/testkit';
import { CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { expect, it, vi } from 'vitest';
import { watchAgents } from '../src/kubernetes/agent-watch.ts';
import type { AgentStatus } from '../src/runtime.ts';
import { apiServer } from './api-server.ts';

const log = { info() {}, warn() {}, error() {} };
const id = 'agentcrew-crew/agent-lead-0';
const running: AgentStatus = { id, team: 'crew', agent: 'lead', state: 'running' };

function podThatRestarted(restartCount: number): V1Pod {
  const terminated = { exitCode: 137, reason: 'OOMKilled' };
  return {
    metadata: {
      namespace: 'agentcrew-crew',
      name: 'agent-lead-0',
      uid: 'one',
      resourceVersion: `${restartCount + 1}`,
      annotations: { 'agentcrew.team': 'crew', 'agentcrew.agent': 'lead' },
    },
    status: {
      containerStatuses: [
        {
          name: 'agent',
          image: 'image',
          imageID: 'image',
          ready: true,
          restartCount,
          state: { running: {} },
          lastState: restartCount > 0 ? { terminated } : {},
        },
      ],
    },
  };
}

/** An API server with one pod, that tells what the test wants of it. */
async function clusterWithPod() {
  let watcher: ServerResponse | undefined;
  const watches: URLSearchParams[] = [];
  const server = await apiServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('watch=true')) {
      watches.push(new URLSearchParams(request.url.split('?')[1]));
      response.flushHeaders();
      watcher = response;
    } else {
      const items = [podThatRestarted(0)];
      response.end(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '1' }, items }));
    }
  });
  return {
    cluster: { core: server.config.makeApiClient(CoreV1Api), config: server.config },
    watches,
    isWatched: () => watcher !== undefined,
    breaks: () => {
      watcher?.end();
      watcher = undefined;
    },
    tell: (object: V1Pod, type = 'MODIFIED') => watcher?.write(`${JSON.stringify({ type, object })}\n`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A watch that has told of its agent. @param status how the agent is when it is looked at */
async function watched(
  { cluster, isWatched }: Awaited<ReturnType<typeof clusterWithPod>>,
  status = async () => running,
) {
  const agents = { status, list: async () => [running], isBusy: () => false };
  const watch = watchAgents({ cluster, instance: 'i', agents, log });
  const changes: AgentStatus[] = [];
  watch.add((change) => changes.push(change));
  await waitFor('the watch', () => isWatched() && changes.length === 1);
  return { changes, look: watch.look, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

it('tells of an end that Kubernetes tells of only when the agent runs again', async () => {
  await using kubernetes = await clusterWithPod();
  using watch = await watched(kubernetes);
  const { changes } = watch;
  kubernetes.tell(podThatRestarted(0));
  kubernetes.tell(podThatRestarted(1));
  await waitFor('the recovery', () => changes.length === 3);
  expect(changes).toEqual([
    running,
    { ...running, state: 'error', message: 'the agent ended (OOMKilled: out of memory)' },
    running,
  ]);
});

it('says of an agent that is gone whose it was', async () => {
  await using kubernetes = await clusterWithPod();
  const gone: AgentStatus = { id, team: '', agent: '', state: 'stopped' };
  let state = running;
  using watch = await watched(kubernetes, async () => state);
  const { changes } = watch;
  state = gone;
  await watch.look(id);
  expect(changes.at(-1)).toEqual({ ...running, state: 'stopped' });
});

it('lets no older look at an agent have the last word', async () => {
  await using kubernetes = await clusterWithPod();
  const died = { ...running, state: 'error' as const };
  const looks: PromiseWithResolvers<AgentStatus>[] = [];
  const status = () => {
    const look = Promise.withResolvers<AgentStatus>();
    looks.push(look);
    return look.promise;
  };
  const agents = { status, list: async () => [running], isBusy: () => false };
  using watch = watchAgents({ cluster: kubernetes.cluster, instance: 'i', agents, log });
  const states: string[] = [];
  watch.add(({ state }) => states.push(state));
  await waitFor('a look', () => kubernetes.isWatched() && looks.length === 1);
  const second = watch.look(id);
  expect(looks).toHaveLength(1);
  looks[0]?.resolve(died);
  await waitFor('the second look', () => looks.length === 2);
  looks[1]?.resolve(running);
  await second;
  expect(states).toEqual(['running', 'error', 'running']);
});

it('goes on when the credentials cannot be had for a moment', async () => {
  await using kubernetes = await clusterWithPod();
  using watch = await watched(kubernetes);
  const { changes } = watch;
  const refused = vi
    .spyOn(kubernetes.cluster.config, 'applySecurityAuthentication')
    .mockRejectedValueOnce(new Error('the token has expired'));
  kubernetes.tell(podThatRestarted(0));
  kubernetes.breaks();
  await waitFor('the next watch', () => kubernetes.isWatched());
  expect(refused).toHaveBeenCalledTimes(2);
  kubernetes.tell(podThatRestarted(1));
  await waitFor('the end that it tells of', () => changes.some(({ state }) => state === 'error'));
});

it('goes on at the bookmark when its time is over, at once', async () => {
  await using kubernetes = await clusterWithPod();
  using _ = await watched(kubernetes);
  for (const resourceVersion of ['1', '7', '8', '9']) {
    await waitFor(`the watch from ${resourceVersion} on`, () => kubernetes.isWatched(), { timeoutMs: 900 });
    const query = Object.fromEntries(kubernetes.watches.at(-1) ?? []);
    expect(query).toMatchObject({ resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: '25' });
    kubernetes.tell({ metadata: { resourceVersion: `${Math.max(7, Number(resourceVersion) + 1)}` } }, 'BOOKMARK');
    kubernetes.breaks();
  }
});
