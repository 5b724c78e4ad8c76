import { latch, waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import { lastWords } from '../src/kubernetes/last-words.ts';
import { streamPodLogs } from '../src/kubernetes/log-stream.ts';
import type { LogOptions } from '../src/runtime.ts';
import { kubeconfig, obedient, openPods, type PodsFixture, proxyToCluster, tell, waits } from './pods-fixture.ts';

function finder({ cluster, namespace }: Pick<PodsFixture, 'cluster' | 'namespace'>, pod: string) {
  return async () => {
    const { items } = await cluster.core.listNamespacedPod({ namespace, fieldSelector: `metadata.name=${pod}` });
    const uid = items[0]?.metadata?.uid;
    return uid === undefined ? undefined : { namespace, pod, uid };
  };
}

/** Follows in the background. */
function follow(pods: Pick<PodsFixture, 'cluster' | 'namespace'>, pod: string, options: LogOptions = {}) {
  const seen: string[] = [];
  const stop = new AbortController();
  const ended = latch<unknown>();
  const pump = async () => {
    const lines = streamPodLogs(pods.cluster, finder(pods, pod), { ...options, follow: true, signal: stop.signal });
    for await (const { line } of lines) seen.push(line);
  };
  pump().then(() => ended.open(undefined), ended.open);
  return {
    seen,
    sees: async (...lines: string[]) =>
      waitFor(`${lines}, not ${seen}`, () => seen.length >= lines.length, waits).then(() =>
        expect(seen).toEqual(lines),
      ),
    async end() {
      stop.abort();
      expect(await ended.promise).toBeUndefined();
    },
  };
}

async function past(pods: PodsFixture, pod: string, options: LogOptions = {}): Promise<string[]> {
  return await Array.fromAsync(streamPodLogs(pods.cluster, finder(pods, pod), options), ({ line }) => line);
}

const restarted = async ({ cluster, namespace }: PodsFixture, pod: string, times: number) =>
  waitFor(
    `restart ${times}`,
    async () => {
      const { status } = await cluster.core.readNamespacedPod({ namespace, name: pod });
      const [agent] = status?.containerStatuses ?? [];
      return agent?.restartCount === times && agent.ready;
    },
    waits,
  );

const unreachable = async (cluster: Cluster) =>
  Array.fromAsync(streamPodLogs(cluster, async () => ({ namespace: 'a', pod: 'b', uid: 'c' }), {}));

describe.skipIf(!kubeconfig)('logs of pods (needs Kubernetes)', () => {
  it('are the last lines, of the container before a restart too', async () => {
    await using pods = await openPods();
    expect(await past(pods, 'agent')).toEqual([]);
    await pods.start('agent', obedient);
    await tell(pods, 'agent', 'say/gr%C3%BC%C3%9Fe');
    await tell(pods, 'agent', 'say/second');
    await waitFor('the lines', async () => (await past(pods, 'agent')).length === 2, waits);
    expect(await past(pods, 'agent')).toEqual(['grüße', 'second']);
    expect(await past(pods, 'agent', { tail: 1 })).toEqual(['second']);
    expect(await past(pods, 'agent', { tail: 0 })).toEqual([]);
    await tell(pods, 'agent', 'crash/key canary-key-123 refused');
    await restarted(pods, 'agent', 1);
    await tell(pods, 'agent', 'say/again');
    let lines: string[] = [];
    const isThere = async () => {
      lines = await past(pods, 'agent');
      return lines.includes('again');
    };
    await waitFor('the line', isThere, waits);
    expect(lines).toEqual(['grüße', 'second', 'key canary-key-123 refused', 'again']);
    expect(await past(pods, 'agent', { tail: 3 })).toEqual(['second', 'key canary-key-123 refused', 'again']);
    const { cluster, namespace } = pods;
    expect(await lastWords(cluster, namespace, 'agent', [])).toBe('again');
    expect(await lastWords(cluster, namespace, 'agent', ['canary-key-123'], { previous: true })).toBe(
      'grüße | second | key [redacted] refused',
    );
    expect(await lastWords(cluster, namespace, 'nobody', [])).toBe('');
  });

  it('are followed over restarts and with the pod that takes the place', async () => {
    await using pods = await openPods();
    const all = follow(pods, 'agent');
    await pods.start('agent', obedient);
    await tell(pods, 'agent', 'say/one');
    await all.sees('one');
    await tell(pods, 'agent', 'crash/two');
    await all.sees('one', 'two');
    await restarted(pods, 'agent', 1);
    await tell(pods, 'agent', 'say/three');
    await all.sees('one', 'two', 'three');
    await pods.remove('agent');
    await pods.start('agent', obedient);
    await tell(pods, 'agent', 'say/four');
    await all.sees('one', 'two', 'three', 'four');
    await all.end();
  });

  it('are followed from their end on', async () => {
    await using pods = await openPods();
    await pods.start('agent', obedient);
    await tell(pods, 'agent', 'say/before');
    await waitFor('the line', async () => (await past(pods, 'agent')).length === 1);
    const log = follow(pods, 'agent', { tail: 0 });
    const saysMore = async () => {
      await tell(pods, 'agent', 'say/more');
      return log.seen.length > 0;
    };
    await waitFor('a line', saysMore);
    await tell(pods, 'agent', 'say/end');
    await waitFor('the last line', () => log.seen.includes('end'));
    expect(new Set(log.seen)).toEqual(new Set(['more', 'end']));
    await log.end();
  });

  it('are followed on when the API server is back, with all that was said and ended meanwhile', async () => {
    await using pods = await openPods();
    await using proxy = await proxyToCluster();
    await pods.start('agent', obedient);
    await tell(pods, 'agent', 'say/one');
    const log = follow({ ...pods, cluster: proxy.cluster }, 'agent', { tail: 10 });
    await log.sees('one');
    await proxy.cut();
    await tell(pods, 'agent', 'say/two');
    await tell(pods, 'agent', 'crash/three');
    await restarted(pods, 'agent', 1);
    await tell(pods, 'agent', 'say/four');
    await proxy.mend();
    await log.sees('one', 'two', 'three', 'four');
    await proxy.cut();
    await tell(pods, 'agent', 'fill/2000');
    await proxy.mend();
    await waitFor('all lines', () => log.seen.length >= 2_004, waits);
    expect(log.seen.slice(4)).toEqual(Array.from({ length: 2_000 }, (_, line) => `line ${line}`));
    await log.end();
    await waitFor('no connection', () => proxy.connections() === 0);
  });

  it('cannot be had from an API server that is away', async () => {
    await using proxy = await proxyToCluster();
    await proxy.cut();
    await expect(unreachable(proxy.cluster)).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: `Kubernetes does not answer at ${proxy.cluster.address} (ECONNREFUSED)`,
    });
  });
});
