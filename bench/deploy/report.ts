import { atMost, type Limit } from '../shared/limits.ts';
import { median } from '../shared/statistics.ts';
import { aligned } from '../shared/table.ts';
import type { Sample } from './measure.ts';

/** The medians of each size of team, small ones first. */
export function mediansOf(samples: readonly Sample[]): Sample[] {
  const bySize = Map.groupBy(samples, ({ agents }) => agents);
  const of = (group: readonly Sample[], measure: 'deploy' | 'one' | 'all') =>
    median(group.map((sample) => sample[measure]));
  return [...bySize]
    .toSorted(([a], [b]) => a - b)
    .map(([agents, group]) => ({
      agents,
      deploy: of(group, 'deploy'),
      one: of(group, 'one'),
      all: of(group, 'all'),
    }));
}

/** One line for each size: the medians, and the deploy as a multiple of both `docker run`s. */
export function table(medians: readonly Sample[]): string {
  const rows = medians.map(({ agents, deploy, one, all }) => [
    String(agents),
    ...[deploy, one, all].map((value) => value.toFixed(0)),
    `×${(deploy / one).toFixed(1)}`,
    `×${(deploy / all).toFixed(1)}`,
  ]);
  const head = ['agents; medians, ms', 'deploy', 'docker run', 'as many at once', 'deploy : one', 'deploy : all'];
  return aligned([head, ...rows]);
}

/** What is promised of a deploy. */
export function limitsOf(medians: readonly Sample[]): Limit[] {
  return medians
    .filter(({ agents }) => agents === 10)
    .map(({ deploy, all }) =>
      atMost('a team of 10, at most 2 × ten `docker run` at once + 2 s', deploy, 2 * all + 2_000),
    );
}
