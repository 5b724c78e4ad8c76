import type { AgentRow } from '@agentcrew/models';
import { budgetSchema } from '@agentcrew/protocol';
import { z } from 'zod';
import { masked } from '../crew/mcp-servers.ts';
import { newBudgetSchema } from './budget.ts';
import { nameSchema, textOf, timestampSchema, usageTotals, usageTotalsSchema } from './common.ts';
import { mcpServerSchema, mcpServersSchema } from './mcp-server.ts';
import { newPermissionsSchema } from './permissions.ts';
import { resourcesSchema } from './resources.ts';
import { subAgentSkillsSchema } from './sub-agent-skills.ts';

export const roleSchema = z.enum(['leader', 'worker']);

const maxBytes = 102_400;
const instructions = textOf(maxBytes);

/** Fields that a client may write; each is optional, since a change names only what changes. */
const agentFields = {
  role: roleSchema
    .optional()
    .describe('In a running team, messages go to another leader from now on; what an agent was sent stays with it'),
  specialty: textOf(65_536).optional(),
  system_prompt: instructions.optional(),
  instructions_md: instructions.optional(),
  claude_md: instructions
    .optional()
    .describe('Old name of `instructions_md`, used when that one is empty')
    .meta({ deprecated: true }),
  skills: z
    .array(z.unknown())
    .max(500)
    .refine((skills) => Buffer.byteLength(JSON.stringify(skills)) <= maxBytes, `must be at most ${maxBytes} bytes long`)
    .nullable()
    .optional(),
  permissions: newPermissionsSchema.nullable().optional(),
  resources: resourcesSchema.optional(),
  budget: newBudgetSchema.nullable().optional(),
  sub_agent_description: textOf(2048).optional(),
  sub_agent_instructions: instructions.optional(),
  sub_agent_model: z.string().max(200).optional(),
  sub_agent_skills: subAgentSkillsSchema.optional(),
  mcp_servers: mcpServersSchema.describe('Of this agent alone, besides those of its team').optional(),
};

export const newAgentSchema = z.object({ name: nameSchema, ...agentFields }).meta({ id: 'NewAgent' });
export const agentPatchSchema = z.object({ name: nameSchema.optional(), ...agentFields }).meta({ id: 'AgentPatch' });

type AgentInput = z.infer<typeof agentPatchSchema>;

/** The columns of an input: the alias is folded into its new name. */
export function agentColumns<T extends AgentInput>({ claude_md, ...input }: T): Omit<T, 'claude_md'> {
  return claude_md && !input.instructions_md ? { ...input, instructions_md: claude_md } : input;
}

const aliases = ['', 'inherit', 'sonnet', 'opus', 'haiku'];

/**
 * Whether an agent of such a team may use the model: an alias of Claude, or for other providers
 * `<model_provider>/<model>`.
 * @returns the rule that is broken.
 */
export function modelProblem(
  model: string | undefined,
  team: { provider: string; model_provider: string },
): string | undefined {
  if (model === undefined || model === '' || model === 'inherit') return undefined;
  if (team.model_provider !== '') {
    return model.startsWith(`${team.model_provider}/`)
      ? undefined
      : `must be "inherit" or begin with "${team.model_provider}/"`;
  }
  if (aliases.includes(model)) return undefined;
  return team.provider === 'opencode' && /^[^/\s]+\/\S+$/.test(model)
    ? undefined
    : 'must be one of inherit, sonnet, opus, haiku';
}

/** What was checked when it was written is shown as it is stored. */
const listSchema = z.array(z.unknown()).nullable();
const objectSchema = z.record(z.string(), z.unknown()).nullable();

export const agentSchema = z
  .object({
    id: z.string(),
    org_id: z.string(),
    team_id: z.string(),
    name: z.string(),
    slug: z.string().describe('Name of the agent on the bus and of its resources; stays when the agent is renamed'),
    role: z.string(),
    specialty: z.string(),
    system_prompt: z.string(),
    instructions_md: z.string(),
    skills: listSchema,
    permissions: objectSchema,
    resources: objectSchema,
    container_id: z.string(),
    container_status: z.enum(['stopped', 'running', 'error']),
    sub_agent_description: z.string(),
    sub_agent_instructions: z.string(),
    sub_agent_model: z.string(),
    sub_agent_skills: listSchema,
    skill_statuses: z
      .array(
        z.object({
          name: z.string().describe('`<repo_url>:<skill_name>`'),
          status: z.enum(['pending', 'installed', 'failed']),
          error: z.string().optional(),
        }),
      )
      .nullable(),
    mcp_servers: z.array(mcpServerSchema).nullable(),
    budget: budgetSchema.nullable().describe('What the agent may spend, from its creation on'),
    usage: usageTotalsSchema,
    created_at: timestampSchema,
    updated_at: timestampSchema,
  })
  .meta({ id: 'Agent' });

export function agentJson(row: AgentRow): z.infer<typeof agentSchema> {
  return {
    ...row,
    skills: row.skills as z.infer<typeof listSchema>,
    permissions: row.permissions as z.infer<typeof objectSchema>,
    resources: row.resources as z.infer<typeof objectSchema>,
    sub_agent_skills: row.sub_agent_skills as z.infer<typeof listSchema>,
    mcp_servers: masked(row.mcp_servers),
    usage: usageTotals(row),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
