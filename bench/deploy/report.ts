import { median } from '../shared/statistics.ts';
import { aligned } from '../shared/table.ts';
import type { Sample } from './place.ts';

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

/** One line for each size: the medians, and the deploy as a multiple of the bare way, once and as often. */
export function table(medians: readonly Sample[], bare: string): string {
  const rows = medians.map(({ agents, deploy, one, all }) => [
    String(agents),
    ...[deploy, one, all].map((value) => value.toFixed(0)),
    `×${(deploy / one).toFixed(1)}`,
    `×${(deploy / all).toFixed(1)}`,
  ]);
  const head = ['agents; medians, ms', 'deploy', bare, 'as many at once', 'deploy : one', 'deploy : all'];
  return aligned([head, ...rows]);
}
