import { waitFor } from '@agentcrew/testkit';
import { ApiException, type KubernetesObject, type KubernetesObjectApi } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { apply, remove } from '../src/kubernetes/apply.ts';
import type { Cluster } from '../src/kubernetes/cluster.ts';

const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'b' } };

/** A cluster whose API server gives these answers, one after the other, and then success. */
function clusterThatAnswers(...codes: number[]) {
  const left = [...codes];
  const answer = async (given: KubernetesObject) => {
    const code = left.shift();
    if (code !== undefined) throw new ApiException(code, 'no', '', {});
    return given;
  };
  const objects = { patch: answer, delete: answer } as unknown as KubernetesObjectApi;
  return { cluster: { objects } as Cluster, left };
}

test.each([apply, remove])('%o waits for an API server that is away for a moment', async (change) => {
  const { cluster, left } = clusterThatAnswers(503, 500);
  await change(cluster, object);
  expect(left).toEqual([]);
});

test('who comes second with the same object finds it there', async () => {
  expect(await apply(clusterThatAnswers(409, 409, 409).cluster, object)).toEqual(object);
});

test('a conflict that stays is an error', async () => {
  await expect(apply(clusterThatAnswers(409, 409, 409, 409).cluster, object)).rejects.toMatchObject({ code: 409 });
});

test('an API server that comes back is no conflict', async () => {
  expect(await apply(clusterThatAnswers(503, 503, 503, 409, 409, 409).cluster, object)).toEqual(object);
  const stays = clusterThatAnswers(503, 503, 503, 503, 409, 409, 409, 409).cluster;
  await expect(apply(stays, object)).rejects.toMatchObject({ code: 409 });
});

test('who no longer wants an object need not wait for the API server', async () => {
  const stop = new AbortController();
  const { cluster, left } = clusterThatAnswers(...Array<number>(1_000).fill(503));
  const applied = apply(cluster, object, stop.signal);
  await waitFor('a first try', () => left.length < 1_000);
  stop.abort(new Error('stopped'));
  await expect(applied).rejects.toThrow('stopped');
});

test('a refusal is an error at once', async () => {
  const { cluster, left } = clusterThatAnswers(403, 503);
  await expect(apply(cluster, object)).rejects.toMatchObject({ code: 403 });
  expect(left).toEqual([503]);
});

test('what is not there need not be deleted', async () => {
  await remove(clusterThatAnswers(404).cluster, object);
});
