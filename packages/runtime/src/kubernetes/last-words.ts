import { lastWordsLines, lastWordsOf } from '../shared/last-words.ts';
import type { Cluster } from './cluster.ts';
import { type PodLogOptions, podLog } from './pod-log.ts';

/** The last lines of a pod's container, for a message to a person; empty when it said nothing or is gone. */
export async function lastWords(
  cluster: Cluster,
  namespace: string,
  pod: string,
  secrets: Iterable<string | undefined>,
  options: Pick<PodLogOptions, 'container' | 'previous'> = {},
): Promise<string> {
  const lines = podLog(cluster, { namespace, pod }, { ...options, tail: lastWordsLines });
  const said = await Array.fromAsync(lines, ({ line }) => line).catch(() => []);
  return lastWordsOf(said, secrets);
}
