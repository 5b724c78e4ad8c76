import type { ApprovalRow, Database } from '@agentcrew/models';
import { approvedBy, permissionsSchema } from '@agentcrew/permissions';

/** As many as the permissions may hold; the oldest leaves. */
const keptEntries = 500;

/**
 * Adds what was approved to the permissions of the agent that asked, so that its next process knows it too. Permissions
 * that cannot be read are left as they are: they deny everything.
 */
export function approveForAlways(db: Database, approval: ApprovalRow): void {
  const { tool, input, updated_input } = approval;
  const approved = approvedBy({ tool, input: updated_input ?? input });
  const agent = db.agents.listByTeam(approval.team_id).find(({ slug }) => slug === approval.agent);
  const stored = permissionsSchema.safeParse(agent?.permissions ?? {}).data;
  if (!approved || !agent || !stored) return;
  const lists = { approved_commands: stored.approved_commands, approved_tools: stored.approved_tools };
  const permissions = { ...(agent.permissions ?? {}) } as Record<string, unknown>;
  for (const [field, entries] of Object.entries(approved)) {
    const present = lists[field as keyof typeof lists] ?? [];
    permissions[field] = [...new Set([...present, ...entries])].slice(-keptEntries);
  }
  db.agents.update(agent.id, { permissions });
}
