import { createHmac } from 'node:crypto';
import { CrewError } from '@agentcrew/protocol';
import { canonicalJson } from '../shared/canonical-json.ts';

export const label = {
  /** Id of the server's installation. What has another one, or none, is never touched. */
  instance: 'agentcrew.instance',
  team: 'agentcrew.team',
  agent: 'agentcrew.agent',
  /** `leader`, `worker` or `nats`. */
  role: 'agentcrew.role',
  /** See `fingerprint`. */
  config: 'agentcrew.config',
} as const;

export type Labels = Record<string, string>;

export function teamLabels(instance: string, team: string): Labels {
  return { [label.instance]: instance, [label.team]: team };
}

/** Filter for the engine's lists: all of these labels. */
export function labelled(labels: Labels): { label: string[] } {
  return { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
}

/** Whether `found` has all the labels of `wanted`. */
export function carries(found: Labels | null | undefined, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => found?.[name] === value);
}

/** Tells whether a container still is what is wanted, without telling what that is: its input holds secrets. */
export function fingerprint(instance: string, config: object): string {
  return createHmac('sha256', instance).update(canonicalJson(config)).digest('hex');
}

/** Somebody else has taken the name of a resource of ours. */
export function foreign(kind: 'container' | 'network' | 'volume', name: string): CrewError {
  return new CrewError(
    'RUNTIME_FAILED',
    `The Docker ${kind} ${name} was not made by this server, so it is left alone. Remove it (docker ${kind} rm ${name}) and deploy again.`,
  );
}
