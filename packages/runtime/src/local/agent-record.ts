import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../shared/canonical-json.ts';

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

export function specHash(spec: object): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}
