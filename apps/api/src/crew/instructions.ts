import type { AgentRow, TeamRow } from '@agentcrew/models';
import { crewTools, effectivePermissions } from '@agentcrew/permissions';
import { mostTeammates } from '@agentcrew/protocol';

/** How to work with the others, for an agent that has the tools for it. */
const leaderHowTo = `Work that a teammate is better at, or that can be done beside other work, goes to it with \`mcp__crew__delegate_task\`: the call returns its answer. Send several of these calls in one message and the teammates work at the same time. A teammate shares the workspace with you and sees nothing of your conversations: tell it all it has to know, and what answer you expect. Check what you get before you use it.`;
const workerHowTo = `Do the tasks you are given yourself. When you lack something that a teammate knows, ask it with \`mcp__crew__ask_teammate\`; who waits for your answer cannot be asked.`;
const sharingHowTo = `What others should know without answering, tell them with \`mcp__crew__share_context\` or \`mcp__crew__broadcast\`.`;

/**
 * What is appended to Claude's system prompt: the agent's own instructions (`instructions_md`, or else a text made
 * from its other fields), its team, and how to work with it.
 */
export function instructionsFor(agent: AgentRow, team: TeamRow, agents: AgentRow[]): string {
  const own = ownInstructions(agent, team).trim();
  const others = agents.filter((other) => other.id !== agent.id).slice(0, mostTeammates);
  if (others.length === 0) return own;
  return [own, roster(others), ...(mayTalk(agent) ? [howTo(agent)] : [])].join('\n\n');
}

/** The agent's own part of it, as it is shown and edited. */
export function ownInstructions(agent: AgentRow, team: TeamRow): string {
  return agent.instructions_md.trim() === '' ? generated(agent, team) : agent.instructions_md;
}

/** The file in a project from which the CLI of the team's provider would read such a text. */
export function instructionsPath(agent: AgentRow, team: TeamRow): string {
  const isLeader = agent.role === 'leader';
  if (team.provider === 'opencode') return isLeader ? '.opencode/AGENTS.MD' : `.opencode/agents/${agent.slug}.md`;
  return isLeader ? '.claude/CLAUDE.md' : `.claude/agents/${agent.slug}.md`;
}

/** Whether the gate lets the agent use the tools of its team: on every runtime alike. */
function mayTalk(agent: AgentRow): boolean {
  return effectivePermissions(agent.permissions, 'docker', '/workspace').allowed_tools.includes(crewTools);
}

function howTo(agent: AgentRow): string {
  return `## Working with them\n\n${agent.role === 'leader' ? leaderHowTo : workerHowTo} ${sharingHowTo}`;
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

function roster(others: AgentRow[]): string {
  const lines = others.map((other) => {
    const about = [other.specialty, other.sub_agent_description].filter((text) => text !== '').join(': ');
    return `- **${other.slug}**${other.role === 'leader' ? ' (leader)' : ''}${about ? ` — ${about}` : ''}`;
  });
  return `## Team members\n\n${lines.join('\n')}`;
}
