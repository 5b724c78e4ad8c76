import type { AgentRow, TeamRow } from '@agentcrew/models';
import { budgetSchema } from '@agentcrew/protocol';
import { z } from 'zod';
import { foldedStatuses, masked } from '../crew/mcp-servers.ts';
import { agentJson, agentSchema, modelProblem, newAgentSchema } from './agent.ts';
import { newBudgetSchema } from './budget.ts';
import {
  nameSchema,
  shellRule,
  textOf,
  timestampSchema,
  usageTotals,
  usageTotalsSchema,
  withoutShellCharacters,
} from './common.ts';
import { mcpServerSchema, mcpServersSchema, mcpStatusSchema } from './mcp-server.ts';

const agentImageSchema = z
  .string()
  .max(512)
  .refine((image) => image === '' || /^[\x21-\x7e]+$/.test(image), 'may contain only printable ASCII without blanks')
  .refine((image) => image === '' || image.includes('/'), 'must contain a "/"')
  .refine(withoutShellCharacters, shellRule);

const providerSchema = z.enum(['claude', 'opencode']);
const modelProviders = ['anthropic', 'openai', 'google', 'ollama'];

const teamFields = {
  description: textOf(65_536).optional(),
  provider: z.union([providerSchema, z.literal('')], 'must be claude or opencode').optional(),
  model_provider: z.string().max(64).optional(),
  workspace_path: z
    .string()
    .max(4096)
    .describe('A folder of the host, under one of its `WORKSPACE_ROOTS`, as the workspace; not on Kubernetes')
    .optional(),
  agent_image: agentImageSchema.optional(),
  mcp_servers: mcpServersSchema.optional(),
  budget: newBudgetSchema.nullable().optional(),
};

export const newTeamSchema = z
  .object({
    name: nameSchema,
    runtime: z.string().max(64).optional(),
    ...teamFields,
    agents: z.array(newAgentSchema).max(100).optional(),
  })
  .superRefine((team, context) => {
    const provider = team.provider || 'claude';
    const problem = modelProviderProblem(provider, team.model_provider ?? '');
    if (problem) context.addIssue({ code: 'custom', path: ['model_provider'], message: problem });
    const of = { provider, model_provider: provider === 'claude' ? '' : (team.model_provider ?? '') };
    for (const [index, agent] of (team.agents ?? []).entries()) {
      const message = modelProblem(agent.sub_agent_model, of);
      if (message) context.addIssue({ code: 'custom', path: ['agents', index, 'sub_agent_model'], message });
    }
  })
  .meta({ id: 'NewTeam' });

export const teamPatchSchema = z.object({ name: nameSchema.optional(), ...teamFields }).meta({ id: 'TeamPatch' });

/** The rule a model provider breaks; only OpenCode teams have one. */
export function modelProviderProblem(provider: string, modelProvider: string): string | undefined {
  if (provider !== 'opencode' || modelProvider === '' || modelProviders.includes(modelProvider)) return undefined;
  return `must be one of ${modelProviders.join(', ')}`;
}

export const teamSchema = z
  .object({
    id: z.string(),
    org_id: z.string(),
    name: z.string(),
    slug: z.string().describe('Name of the team on the bus and of its resources; stays when the team is renamed'),
    description: z.string(),
    status: z.enum(['stopped', 'deploying', 'running', 'error']),
    status_message: z
      .string()
      .describe('Progress of a deploy, what is wrong with a running team, or why a deploy failed'),
    runtime: z.string(),
    provider: z.string(),
    model_provider: z.string(),
    workspace_path: z.string(),
    agent_image: z.string(),
    mcp_servers: z.array(mcpServerSchema).nullable(),
    mcp_statuses: z.array(mcpStatusSchema).nullable(),
    budget: budgetSchema.nullable().describe('What the team may spend, from its creation on'),
    usage: usageTotalsSchema,
    created_at: timestampSchema,
    updated_at: timestampSchema,
    agents: z.array(agentSchema),
  })
  .meta({ id: 'Team' });

export function teamJson({ nats_token: _, ...row }: TeamRow, agents: AgentRow[]): z.infer<typeof teamSchema> {
  return {
    ...row,
    mcp_servers: masked(row.mcp_servers),
    mcp_statuses: foldedStatuses(row.mcp_statuses),
    usage: usageTotals(row),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    agents: agents.map(agentJson),
  };
}
