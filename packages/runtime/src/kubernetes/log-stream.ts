import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, LogOptions } from '../runtime.ts';
import type { StampedLine } from '../shared/stamped-lines.ts';
import type { Cluster } from './cluster.ts';
import { crewError } from './cluster-errors.ts';
import { type PodLogOptions, podLog } from './pod-log.ts';

/** How often a log that is followed is looked for again when it has ended: at first soon, and later less often. */
const pauses = { shortestMs: 500, longestMs: 2_000, factor: 2 };
const maxTail = 10_000;

/** A pod as the API server knows it; one that takes the place of another has another uid. */
interface LoggedPod {
  namespace: string;
  pod: string;
  uid: string;
}

type FindPod = () => Promise<LoggedPod | undefined>;

/**
 * The lines of an agent's pod, see `LogOptions`, those of its container before the last restart included. Following goes
 * on over restarts, with the pod that takes its place, and when the API server is back.
 * @param find asks the API server for the agent's present pod: what it gives is believed
 */
export async function* streamPodLogs(
  cluster: Cluster,
  find: FindPod,
  { follow = false, tail: wanted, signal }: LogOptions,
): AsyncGenerator<LogLine> {
  const tail = wanted === undefined ? undefined : Math.min(Math.max(0, Math.trunc(wanted)), maxTail);
  try {
    const lines = follow ? following(cluster, find, tail, signal) : present(cluster, await find(), tail, signal);
    for await (const { stream, time, line } of lines) {
      if (signal?.aborted) return;
      yield { stream, time, line };
    }
  } catch (error) {
    if (!signal?.aborted) throw crewError(cluster.address, error);
  }
}

/** What there is now; of the last lines of each container, the last ones of all. */
async function* present(
  cluster: Cluster,
  pod: LoggedPod | undefined,
  tail: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<StampedLine> {
  if (!pod || tail === 0) return;
  const lines = ofAllContainers(cluster, pod, { tail, signal });
  if (tail === undefined) yield* lines;
  else yield* (await Array.fromAsync(lines)).slice(-tail);
}

async function* following(
  cluster: Cluster,
  find: FindPod,
  tail: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<StampedLine> {
  const place: Place = {};
  let pauseMs = pauses.shortestMs;
  while (!signal?.aborted) {
    try {
      for await (const line of goOn(cluster, find, place, tail, signal)) {
        pauseMs = pauses.shortestMs;
        yield line;
      }
    } catch (error) {
      // Whoever has begun to follow goes on when the API server, the node or the pod is back.
      if (place.uid === undefined) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * pauses.factor, pauses.longestMs);
  }
}

/** Where a log that is followed has been read to: the pod, and the stamp of its last line. */
interface Place {
  uid?: string;
  stamp?: string;
}

/** The lines since the last time, until the container ends or the connection breaks. */
async function* goOn(
  cluster: Cluster,
  find: FindPod,
  place: Place,
  tail: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<StampedLine> {
  const pod = await find();
  if (!pod) return;
  if (place.uid === undefined) {
    // Without a tail the last line is read all the same, to know where it is.
    for await (const line of present(cluster, pod, tail === 0 ? 1 : tail, signal)) {
      Object.assign(place, { uid: pod.uid, stamp: line.stamp });
      if (tail !== 0) yield line;
    }
  } else if (place.uid !== pod.uid) {
    // Another pod has a log of its own, and maybe a clock of its own.
    delete place.stamp;
  }
  place.uid = pod.uid;
  for await (const line of ofAllContainers(cluster, pod, { after: place.stamp, follow: true, signal })) {
    place.stamp = line.stamp;
    yield line;
  }
}

/** The log of the container that ended before the present one, then that one's; often both are the same, waiting. */
async function* ofAllContainers(cluster: Cluster, pod: LoggedPod, options: PodLogOptions): AsyncGenerator<StampedLine> {
  let { after } = options;
  for await (const line of podLog(cluster, pod, { ...options, follow: false, previous: true })) {
    after = line.stamp;
    yield line;
  }
  yield* podLog(cluster, pod, { ...options, after });
}
