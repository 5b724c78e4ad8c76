import { createHash } from 'node:crypto';
import { z } from 'zod';

/** `process.json` of an agent: there from the start of its process until it is stopped. */
export const agentRecordSchema = z.object({
  pid: z.int().positive(),
  start_time: z.string(),
  /** SHA-256 of the agent's spec, to see whether a running process still is what is wanted. */
  spec_hash: z.string(),
  /** RFC 3339. */
  started_at: z.string(),
  /** Sizes of the logs before this process wrote to them. */
  log_start: z.object({ stdout: z.int().nonnegative(), stderr: z.int().nonnegative() }),
});
export type AgentRecord = z.infer<typeof agentRecordSchema>;

/** JSON with sorted keys: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export function specHash(spec: object): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}
