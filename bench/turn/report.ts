import { median, percentile } from '../shared/statistics.ts';
import { aligned } from '../shared/table.ts';
import type { Sample } from './way.ts';

export type Medians = Sample;
export type Samples = Record<'product' | 'bare' | 'spawned', Sample[]>;

const measures = ['request', 'answer', 'whole'] as const;
const names = {
  product: 'AgentCrew (POST /chat … WebSocket frame)',
  bare: 'bare CLI, warm (stdin … result line)',
  spawned: 'a CLI per message (claude -p --resume)',
};

export function mediansOf(samples: readonly Sample[]): Medians {
  const of = (measure: keyof Sample) => median(samples.map((sample) => sample[measure]));
  return { request: of('request'), answer: of('answer'), whole: of('whole') };
}

/** One line for each way: median, p95 and the ratio to the bare CLI of each measure. */
export function table(samples: Samples): string {
  const bare = mediansOf(samples.bare);
  const ways = Object.keys(names) as (keyof Samples)[];
  const rows = ways.map((way) => [names[way], ...measures.flatMap((measure) => cells(samples[way], bare, measure))]);
  const head = ['warm turns, ms: median (p95), × bare', 'to request', '', 'to answer', '', 'whole', ''];
  return aligned([head, ...rows]);
}

function cells(samples: readonly Sample[], bare: Medians, measure: keyof Sample): string[] {
  const values = samples.map((sample) => sample[measure]);
  const middle = median(values);
  const ratio = middle / bare[measure];
  return [`${middle.toFixed(1)} (${percentile(values, 0.95).toFixed(0)})`, `×${ratio.toFixed(2)}`];
}
