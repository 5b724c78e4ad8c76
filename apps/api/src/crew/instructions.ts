import type { AgentRow, TeamRow } from '@agentcrew/models';

/**
 * What is appended to Claude's system prompt: the agent's own instructions (`instructions_md`, or else a text made
 * from its other fields) and, for a leader, its team.
 */
export function instructionsFor(agent: AgentRow, team: TeamRow, agents: AgentRow[]): string {
  const own = agent.instructions_md.trim() || generated(agent, team);
  const workers = agents.filter((other) => other.id !== agent.id);
  return agent.role === 'leader' && workers.length > 0 ? `${own}\n\n${roster(workers)}` : own;
}

function generated(agent: AgentRow, team: TeamRow): string {
  const sections = [`# ${agent.name}`, `## Role\n\n${roleText(agent, team)}`];
  if (agent.specialty) sections.push(`## Specialty\n\n${agent.specialty}`);
  const instructions = [agent.system_prompt, agent.sub_agent_instructions].filter((text) => text !== '');
  if (instructions.length > 0) sections.push(`## Instructions\n\n${instructions.join('\n\n')}`);
  return sections.join('\n\n');
}

function roleText(agent: AgentRow, team: TeamRow): string {
  const about = team.description ? ` (${team.description})` : '';
  return agent.role === 'leader'
    ? `You lead the team "${team.name}"${about}. You answer the user.`
    : `You are a worker in the team "${team.name}"${about}.`;
}

function roster(workers: AgentRow[]): string {
  const lines = workers.map((worker) => {
    const about = [worker.specialty, worker.sub_agent_description].filter((text) => text !== '').join(': ');
    return `- **${worker.slug}**${about ? ` — ${about}` : ''}`;
  });
  return `## Team members\n\n${lines.join('\n')}`;
}
