import { z } from 'zod';
import { budgetStateSchema } from './budget.ts';
import { agentMcpServersSchema } from './mcp.ts';
import { slugSchema } from './names.ts';
import { wantedSkillsSchema } from './skills.ts';
import { mostTeammates, teammateSchema } from './teamwork.ts';

/**
 * Limits of an agent's work. Times in milliseconds.
 */
export const agentLimitsSchema = z.object({
  /** A turn that runs longer is interrupted and answered as failed. */
  turn_timeout_ms: z
    .int()
    .positive()
    .default(30 * 60_000),
  /** A turn in which the CLI is silent for so long, with no tool running, is interrupted and answered as failed. */
  stall_timeout_ms: z
    .int()
    .positive()
    .default(5 * 60_000),
  /** An idle CLI is stopped after this time and resumed by the next message. */
  idle_park_ms: z
    .int()
    .positive()
    .default(15 * 60_000),
  /** A message whose turn was cut off (crash, kill) is resumed so often, then answered as failed. */
  max_attempts: z.int().positive().default(10),
  /** Installing one skill may take so long; absent: two minutes. */
  skill_install_ms: z.int().positive().optional(),
});
export type AgentLimits = z.infer<typeof agentLimitsSchema>;

/** What only the sidecar may know: it never enters a command line, a log, or the environment of another process. */
export const agentSecretsSchema = z.object({
  /** Password of the team's NATS user. */
  nats_token: z.string().optional(),
  anthropic_api_key: z.string().optional(),
  /** OAuth or gateway token, sent as `Authorization: Bearer`. */
  claude_code_oauth_token: z.string().optional(),
  /** Those of `mcp_servers`, as `splitMcpSecrets` takes them out. */
  mcp: z.string().optional(),
});
export type AgentSecrets = z.infer<typeof agentSecretsSchema>;

/**
 * Everything a sidecar needs to be an agent, as one JSON document. The runtime hands it over in a way that other
 * processes cannot read (a pipe on the standard input, a file of mode 0600): the environment could not hold the
 * larger ones and would show the secrets to every command the agent runs. In a pod the document is mounted without the
 * secrets; they are variables of the sidecar's process, which takes them out of its environment at once.
 */
export const agentSpecSchema = z.object({
  /** Id of the server's installation: what it marks its processes and containers with. */
  instance: z.string().min(1),
  team: slugSchema,
  agent: slugSchema,
  /** Of this agent and no other, also none of the same name before or after it: its state belongs to this id. */
  agent_id: z.string().min(1).optional(),
  /** The agent's display name. */
  agent_name: z.string(),
  role: z.enum(['leader', 'worker']),
  /** Where the agent runs; decides about the default permissions. */
  runtime: z.enum(['docker', 'kubernetes', 'local', 'mock']).default('local'),
  nats_url: z.string(),
  /** NATS user; together with `secrets.nats_token`. Absent: the URL holds all that is needed. */
  nats_user: z.string().optional(),
  /** Model name or alias for the CLI; absent: the CLI's default. */
  model: z.string().optional(),
  anthropic_base_url: z.string().optional(),
  /** Appended to Claude's system prompt: who the agent is, its instructions, its team. */
  instructions: z.string().default(''),
  /** The other agents of the team. */
  teammates: z.array(teammateSchema).max(mostTeammates).default([]),
  /** MCP servers besides the team's own, without their secrets, which are in `secrets.mcp`. */
  mcp_servers: agentMcpServersSchema.optional(),
  /** Skills that the sidecar installs beside its work. */
  skills: wantedSkillsSchema.optional(),
  /** Permissions as stored; the sidecar parses them with the gate's schema and denies everything it cannot read. */
  permissions: z.unknown(),
  /** Absolute paths as the agent sees them. */
  workspace: z.string(),
  state_dir: z.string(),
  /** `host:port` of the health endpoint; port 0 picks a free one, told in `<state_dir>/health.json`. */
  health_addr: z.string().default('0.0.0.0:9090'),
  limits: agentLimitsSchema.prefault({}),
  /** Absent: neither the agent nor its team has a budget. */
  budget: budgetStateSchema.optional(),
  /** Additional environment of the CLI and its tools: the settings that are not secret. */
  env: z.record(z.string(), z.string()).default({}),
  secrets: agentSecretsSchema.default({}),
});
export type AgentSpec = z.infer<typeof agentSpecSchema>;

/** What of an agent's `state_dir` is not the agent's: what the local runtime keeps of its process there. */
export const processFiles = { record: 'process.json', stdout: 'stdout.log', stderr: 'stderr.log' } as const;

/** The variable in an agent's process tree that tells whose processes they are: `<instance>/<team>/<agent>`. */
export const agentMarkerVariable = 'AGENTCREW_AGENT';

export function agentMarker(spec: Pick<AgentSpec, 'instance' | 'team' | 'agent'>): string {
  return `${spec.instance}/${spec.team}/${spec.agent}`;
}
