import type { CoreV1Event } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';

/** The last thing that Kubernetes has said about an object. */
export interface Remark {
  /** `FailedCreate`, `FailedMount`, `Pulling` … */
  reason: string;
  message: string;
  isWarning: boolean;
}

/** Asks for the newest remark about an object, but not all the time: what was said is given again meanwhile. */
export function remarks(cluster: Cluster, namespace: string, everyMs: number) {
  let asked: { name: string; at: number; remark: Remark | undefined } | undefined;
  return async (name: string): Promise<Remark | undefined> => {
    if (asked?.name === name && Date.now() - asked.at < everyMs) return asked.remark;
    asked = { name, at: Date.now(), remark: await lastRemark(cluster, namespace, name) };
    return asked.remark;
  };
}

/** The newest event about an object, which tells why nothing comes of it. */
export async function lastRemark(cluster: Cluster, namespace: string, name: string): Promise<Remark | undefined> {
  const fieldSelector = `involvedObject.name=${name}`;
  const { items } = await cluster.core.listNamespacedEvent({ namespace, fieldSelector });
  const newest = items.toSorted((a, b) => timeOf(a) - timeOf(b)).at(-1);
  return newest && { reason: newest.reason ?? '', message: newest.message ?? '', isWarning: newest.type === 'Warning' };
}

function timeOf({ eventTime, lastTimestamp, metadata }: CoreV1Event): number {
  const time = lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  return time ? new Date(time).getTime() : 0;
}

/** What passes by itself, as far as its text tells. */
const transient = [
  // A namespace that is just made has no service account for a moment, and takes no pods.
  /serviceaccount "?default"? not found|error looking up service account/i,
  // A busy kubelet, or the container runtime below it, does not get to it in time and tries again.
  /timed out waiting for the condition|context deadline exceeded|name ".*" is reserved for/i,
];

export function isTransient(message: string): boolean {
  return transient.some((pattern) => pattern.test(message));
}
