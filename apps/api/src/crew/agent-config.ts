import type { AgentRow, TeamRow } from '@agentcrew/models';
import {
  type AgentLimits,
  longestDescription,
  longestSpecialty,
  mostTeammates,
  splitMcpSecrets,
  type Teammate,
} from '@agentcrew/protocol';
import type { AgentConfig, AgentResources, RuntimeName } from '@agentcrew/runtime';
import type { AgentSettings } from './credentials.ts';
import { instructionsFor } from './instructions.ts';
import { serversOf } from './mcp-servers.ts';
import { bytesOf, coresOf } from './quantities.ts';
import { skillsOf } from './skills.ts';

/** What the runtime needs to start one agent of a team. */
export function agentConfig(
  agent: AgentRow,
  team: TeamRow,
  agents: AgentRow[],
  settings: AgentSettings,
  limits: AgentLimits,
  runtime: RuntimeName,
): AgentConfig {
  const skills = skillsOf(agent);
  const mcp = splitMcpSecrets(serversOf(agent, team));
  return {
    team: team.slug,
    agent: agent.slug,
    agent_id: agent.id,
    agent_name: agent.name,
    role: agent.role === 'leader' ? 'leader' : 'worker',
    model: modelFor(agent, agents) ?? settings.model,
    anthropic_base_url: settings.baseUrl,
    instructions: instructionsFor(agent, team, agents),
    teammates: teammatesOf(agent, agents),
    ...(mcp.servers.length > 0 && { mcp_servers: mcp.servers }),
    ...(skills.length > 0 && { skills }),
    permissions: agent.permissions,
    limits: { ...limits, ...turnTimeout(agent) },
    env: settings.env,
    secrets: {
      nats_token: team.nats_token,
      anthropic_api_key: settings.apiKey,
      claude_code_oauth_token: settings.oauthToken,
      ...(mcp.secrets && { mcp: mcp.secrets }),
    },
    workspacePath: team.workspace_path || undefined,
    image: team.agent_image || undefined,
    resources: resourcesOf(agent, runtime),
  };
}

function teammatesOf(agent: AgentRow, agents: AgentRow[]): Teammate[] {
  return agents
    .filter(({ id }) => id !== agent.id)
    .slice(0, mostTeammates)
    .map(({ slug, name, role, specialty, sub_agent_description }) => ({
      slug,
      name,
      role: role === 'leader' ? 'leader' : 'worker',
      specialty: specialty.slice(0, longestSpecialty),
      description: sub_agent_description.slice(0, longestDescription),
    }));
}

/** `inherit` means the leader's model; a leader that inherits leaves the choice to the settings and the CLI. */
function modelFor(agent: AgentRow, agents: AgentRow[]): string | undefined {
  const own = chosenModel(agent);
  if (own || agent.role === 'leader') return own;
  const leader = agents.find((other) => other.role === 'leader');
  return leader && chosenModel(leader);
}

function chosenModel(agent: AgentRow): string | undefined {
  return agent.sub_agent_model === '' || agent.sub_agent_model === 'inherit' ? undefined : agent.sub_agent_model;
}

function turnTimeout(agent: AgentRow): Partial<AgentLimits> {
  const resources = agent.resources as { timeout_seconds?: unknown } | null;
  const seconds = resources?.timeout_seconds;
  return typeof seconds === 'number' && seconds > 0 ? { turn_timeout_ms: Math.round(seconds * 1000) } : {};
}

/** The container limits of what was checked when it was stored, perhaps by the rules of another runtime. */
function resourcesOf(agent: AgentRow, runtime: RuntimeName): AgentResources | undefined {
  const { cpu, memory } = (agent.resources ?? {}) as { cpu?: string | number; memory?: string };
  if (cpu === undefined && memory === undefined) return undefined;
  return {
    ...(cpu !== undefined && { cpu: coresOf(cpu) }),
    ...(memory !== undefined && { memory: bytesOf(memory, runtime) }),
  };
}
