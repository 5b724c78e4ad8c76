import type { V1ObjectMeta, V1Secret } from '@kubernetes/client-node';

/** A Secret with these texts; what is undefined is left out. */
export function secret(metadata: V1ObjectMeta, texts: Record<string, string | undefined>): V1Secret {
  const present = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const data = Object.fromEntries(present.map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data };
}
