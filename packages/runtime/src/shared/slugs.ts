import { CrewError, slugSchema } from '@agentcrew/protocol';

/** What is no slug must never become part of a path or a name. @throws CrewError INVALID_TEAM */
export function requireSlug(value: string): void {
  if (slugSchema.safeParse(value).success) return;
  throw new CrewError('INVALID_TEAM', `not a valid name for a team or an agent: ${value}`);
}
