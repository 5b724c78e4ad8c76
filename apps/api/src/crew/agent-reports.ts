import type { AgentRow, Database } from '@agentcrew/models';
import { type Envelope, mcpStatusPayloadSchema, skillStatusPayloadSchema } from '@agentcrew/protocol';
import { findServer, serversOf } from './mcp-servers.ts';

/** Keeps what an agent reports about itself where clients look for it; other messages change nothing. */
export function recordReport(db: Database, agent: AgentRow, envelope: Envelope): void {
  if (envelope.type === 'mcp_status') recordMcpStatus(db, agent, envelope);
  if (envelope.type === 'skill_status') recordSkillStatus(db, agent, envelope);
}

function recordSkillStatus(db: Database, agent: AgentRow, envelope: Envelope): void {
  const report = skillStatusPayloadSchema.safeParse(envelope.payload).data;
  const statuses = report?.skills.map((skill) => ({
    name: skill.package,
    status: skill.status,
    ...(skill.error && { error: skill.error }),
  }));
  if (statuses) db.agents.update(agent.id, { skill_statuses: statuses });
}

/** The newest report of an agent replaces its earlier ones. */
function recordMcpStatus(db: Database, agent: AgentRow, envelope: Envelope): void {
  const report = mcpStatusPayloadSchema.safeParse(envelope.payload).data;
  const team = db.teams.get(agent.team_id);
  // Late words of a team that has ended: nothing of it runs.
  if (!report || !team || (team.status !== 'running' && team.status !== 'deploying')) return;
  const servers = serversOf(agent, team);
  const others = (team.mcp_statuses ?? []).filter((status) => status.agent !== agent.slug);
  const present = report.servers.filter(({ name }) => findServer(servers, name));
  const own = present.map(({ name, status, error }) => ({ name, status, ...(error && { error }), agent: agent.slug }));
  db.teams.update(team.id, { mcp_statuses: [...others, ...own] });
}
