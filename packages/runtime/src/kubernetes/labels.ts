import { createHmac } from 'node:crypto';
import { canonicalJson } from '../shared/canonical-json.ts';
import { agentName, teamName } from './names.ts';

export const label = {
  /** Id of the server's installation. A namespace that has another one, or none, is never touched. */
  instance: 'agentcrew.instance',
  team: 'agentcrew.team',
  agent: 'agentcrew.agent',
  /** `leader`, `worker` or `nats`. */
  role: 'agentcrew.role',
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

/** What does not fit into the value of a label. */
export const annotation = {
  /** Slugs, from which the names are made. */
  team: 'agentcrew.team',
  agent: 'agentcrew.agent',
  /** See `fingerprint`. */
  config: 'agentcrew.config',
} as const;

/** Who applies our objects, and what they are managed by. */
export const manager = 'agentcrew-api';

export type Labels = Record<string, string>;

export function teamLabels(instance: string, team: string): Labels {
  return { [label.instance]: instance, [label.team]: teamName(team), [label.managedBy]: manager };
}

export function agentLabels(instance: string, team: string, agent: string): Labels {
  return { ...teamLabels(instance, team), [label.agent]: agentName(agent) };
}

/** Selects the agents among what has these labels. */
export function agentsAmong(labels: Labels) {
  return { matchLabels: labels, matchExpressions: [{ key: label.agent, operator: 'Exists' }] };
}

/** A label selector: all of these labels. */
export function selector(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** Selects every agent of an installation. */
export function allAgentsOf(instance: string): string {
  return `${label.instance}=${instance},${label.agent}`;
}

/** Tells whether an object still is what is wanted, without telling what that is: its input holds secrets. */
export function fingerprint(instance: string, config: object): string {
  return createHmac('sha256', instance).update(canonicalJson(config)).digest('hex').slice(0, 32);
}
