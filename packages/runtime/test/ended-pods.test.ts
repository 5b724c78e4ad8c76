import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { ApiException } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { removeEndedPods } from '../src/kubernetes/ended-pods.ts';

const namespace = 'agentcrew-alpha';
const ended = { terminated: { exitCode: 0 } };
const runs = { running: {} };

function pod(name: string, overdueMs: number | undefined, ...states: object[]): V1Pod {
  const deletionTimestamp = overdueMs === undefined ? undefined : new Date(Date.now() - overdueMs);
  const containerStatuses = states.map((state) => ({ state })) as NonNullable<V1Pod['status']>['containerStatuses'];
  return {
    metadata: { name, uid: `uid of ${name}`, ...(deletionTimestamp && { deletionTimestamp }) },
    status: { containerStatuses },
  };
}

function clusterWith(items: V1Pod[], refusal?: Error) {
  const deleted: unknown[] = [];
  const core = {
    listNamespacedPod: async () => ({ items }),
    deleteNamespacedPod: async (request: unknown) => {
      deleted.push(request);
      if (refusal) throw refusal;
    },
  } as unknown as CoreV1Api;
  return { core, deleted };
}

test('only pods that should be gone, and in which nothing runs, are removed, by their uid', async () => {
  const cluster = clusterWith([
    pod('held', 10_500, ended, ended),
    pod('not asked to end', undefined, ended),
    pod('in its grace period', -5_000, ended),
    pod('just over it', 5_000, ended),
    pod('half ended', 60_000, ended, runs),
    pod('unknown', 60_000),
  ]);
  await removeEndedPods(cluster, namespace);
  const body = { gracePeriodSeconds: 0, preconditions: { uid: 'uid of held' } };
  expect(cluster.deleted).toEqual([{ namespace, name: 'held', body }]);
});

test.each([404, 409])('one that is gone or replaced meanwhile is no failure (%i)', async (code) => {
  const cluster = clusterWith([pod('held', 60_000, ended)], new ApiException(code, 'no', '', {}));
  await removeEndedPods(cluster, namespace);
  expect(cluster.deleted).toHaveLength(1);
});

test('one that may not be removed is', async () => {
  const cluster = clusterWith([pod('held', 60_000, ended)], new ApiException(403, 'no', '', {}));
  await expect(removeEndedPods(cluster, namespace)).rejects.toThrow();
});
