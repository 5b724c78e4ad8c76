import { z } from 'zod';

const tellEveryMs = 1_000;

const layerSchema = z.object({
  id: z.string(),
  status: z.literal('Downloading'),
  progressDetail: z.object({ current: z.number(), total: z.number() }),
});

/** Turns the engine's events of a download into words for a person, one sentence a second at most. */
export function pullProgress(image: string, now: () => number = Date.now): (event: unknown) => string | undefined {
  const layers = new Map<string, { current: number; total: number }>();
  let toldAt = Number.NEGATIVE_INFINITY;
  return (event) => {
    const layer = layerSchema.safeParse(event).data;
    if (layer) layers.set(layer.id, layer.progressDetail);
    if (now() - toldAt < tellEveryMs) return undefined;
    toldAt = now();
    const sum = (field: 'current' | 'total') => layers.values().reduce((bytes, part) => bytes + part[field], 0);
    const size = layers.size > 0 ? `: ${megabytes(sum('current'))} of ${megabytes(sum('total'))} MB` : '';
    return `downloading the image ${image}${size}`;
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
