import { z } from 'zod';
import { slugSchema } from './names.ts';

/** Characters of what an agent knows of another one. */
export const longestSpecialty = 2_000;
export const longestDescription = 10_000;

/** What an agent knows of another one of its team. */
export const teammateSchema = z.object({
  slug: slugSchema,
  name: z.string(),
  role: z.enum(['leader', 'worker']),
  specialty: z.string().max(longestSpecialty).default(''),
  description: z.string().max(longestDescription).default(''),
});
export type Teammate = z.infer<typeof teammateSchema>;

/** Teammates in one agent's spec. */
export const mostTeammates = 200;

/**
 * `task_assignment` and `question`: what a teammate is asked to do, or to tell. After `deadline` nobody waits for the
 * answer any more: a task that runs is ended, one that has not begun is not begun.
 */
export const taskPayloadSchema = z.looseObject({
  content: z.string().min(1),
  expected_output: z.string().optional(),
  deadline: z.iso.datetime().optional(),
});

/** `context_share`: something to know, which costs the receiver no turn. */
export const contextPayloadSchema = z.looseObject({ content: z.string().min(1) });

/** Agents that may wait for each other in a row; what `context.chain` holds at most. */
export const longestChain = 32;
