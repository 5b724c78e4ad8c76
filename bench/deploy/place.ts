import type { Limit } from '../shared/limits.ts';

export const image = process.env.AGENT_IMAGE ?? 'agentcrew-sidecar:dev';

/** Label of what is started the bare way; its value is that of one measurement. */
export const mark = 'agentcrew.bench';

/** What one team took, in milliseconds. */
export interface Sample {
  agents: number;
  /** From `POST /deploy` until the team runs. */
  deploy: number;
  /** The bare way, once. */
  one: number;
  /** The same as many times at once as the team has agents. */
  all: number;
}

/** Where teams are deployed, with the bare way to start the agents' image there. */
export interface Place {
  readonly runtime: 'docker' | 'kubernetes';
  /** The bare way, as the table calls it. */
  readonly bare: string;
  /** What the server is told of its runtime. */
  readonly env: Record<string, string>;
  /** So long one round of all sizes may take, in milliseconds. */
  readonly roundMs: number;
  /** Milliseconds until so many containers that do nothing, begun at once, run. */
  runAtOnce(count: number, signal: AbortSignal): Promise<number>;
  /** Resolves when nothing is left of what a server has made. */
  removeInstance(instance: string): Promise<void>;
  /** What is promised of a deploy. */
  limits(medians: readonly Sample[]): Limit[];
}
