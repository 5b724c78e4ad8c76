import { linesOf } from '../shared/lines.ts';
import { type StampedLine, stampedLine } from '../shared/stamped-lines.ts';
import { agentContainerName } from './agent-objects.ts';
import type { Cluster } from './cluster.ts';
import { statusCodeOf } from './cluster-errors.ts';
import { openStream } from './streaming-request.ts';

const answerMs = 30_000;
/** A log that is silent for so long is asked for anew: kubelets stop following one that they have rotated. */
const silentMs = 60_000;

const entryPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (.*)$/s;

/** What a kubelet adds to a log that it follows when it does not find the container any more, be it in the middle of a line. */
const kubeletsEnd = /rpc error: code = NotFound desc = .*"[0-9a-f]{64}".*$/s;

export interface PodLogOptions {
  /** Default: the agent's. */
  container?: string;
  /** Only so many of the last lines. */
  tail?: number | undefined;
  /** Only what is younger than the line with this stamp. */
  after?: string | undefined;
  /** The log of the container that ended before the present one was started. */
  previous?: boolean;
  /** Goes on until the container ends. */
  follow?: boolean;
  signal?: AbortSignal | undefined;
}

/** The log of a pod, without a line while there is none. Kubernetes tells no streams apart: all is stdout. */
export async function* podLog(
  cluster: Cluster,
  { namespace, pod }: { namespace: string; pod: string },
  { container = agentContainerName, tail, after, previous = false, follow = false, signal }: PodLogOptions,
): AsyncGenerator<StampedLine> {
  const query = {
    container,
    timestamps: 'true',
    follow: String(follow),
    previous: String(previous),
    ...(tail !== undefined && { tailLines: String(tail) }),
    // The kubelet reads whole seconds only, so it repeats lines of that second.
    ...(after !== undefined && { sinceTime: `${after.slice(0, 19)}Z` }),
  };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
  const body = await ifThere(openStream(cluster.config, { path, query, idleMs: follow ? silentMs : answerMs, signal }));
  for await (const line of linesOfEntries(body ? linesOf(body) : [])) {
    if (after === undefined || line.stamp > after) yield line;
  }
}

/** The container's own lines. */
export async function* linesOfEntries(entries: AsyncIterable<string> | string[]): AsyncGenerator<StampedLine> {
  let doubtful: StampedLine | undefined;
  for await (const entry of entries) {
    const line = lineOfEntry(entry);
    if (!line) continue;
    // Not the end, so the container said it.
    if (doubtful) yield doubtful;
    doubtful = kubeletsEnd.test(line.line) ? line : undefined;
    if (!doubtful) yield line;
  }
  if (doubtful) yield { ...doubtful, line: doubtful.line.replace(kubeletsEnd, '') };
}

/** `undefined` for what is no line of the container: the kubelet writes of its own troubles into the log, without a time. */
function lineOfEntry(entry: string): StampedLine | undefined {
  const [, stamp, text] = entryPattern.exec(entry) ?? [];
  if (stamp === undefined || text === undefined || Number.isNaN(Date.parse(stamp))) return undefined;
  return stampedLine('stdout', comparable(stamp), text);
}

/** In UTC and with all nine digits: a kubelet writes the node's zone, and may leave zeros away at the end. */
function comparable(stamp: string): string {
  const fraction = /\.(\d+)/.exec(stamp)?.[1] ?? '';
  return `${new Date(stamp).toISOString().slice(0, 19)}.${fraction.slice(0, 9).padEnd(9, '0')}Z`;
}

/** There is no log when the pod is gone (404), when its container has not started, and when none ended before (400). */
async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ([400, 404].includes(statusCodeOf(error) ?? 0)) return undefined;
    throw error;
  }
}
