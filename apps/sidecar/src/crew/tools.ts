import type { McpResult, McpTool } from '@agentcrew/claude';
import { CrewError, messageOf, type Teammate } from '@agentcrew/protocol';
import { z } from 'zod';
import { cut } from '../cut.ts';
import type { Delegations } from './delegations.ts';
import { findTeammate } from './refusal.ts';

export interface CrewToolOptions {
  teammates: readonly Teammate[];
  delegations: Pick<Delegations, 'run' | 'share'>;
}

const defaultDeadlineSeconds = 600;
/** The CLI refuses results of more than about 25,000 tokens. */
const resultLimit = 60_000;
const sharingMs = 15_000;

const agent = z.string().min(1).max(200).describe('Slug or name of the teammate');
const deadline_seconds = z
  .int()
  .min(1)
  .max(3600)
  .default(defaultDeadlineSeconds)
  .describe('After this time the task is cancelled and you get a failure');

const inputs = {
  list_teammates: z.object({}),
  delegate_task: z.object({
    agent,
    instruction: z
      .string()
      .trim()
      .min(1)
      .max(100_000)
      .describe('Everything the teammate has to know: it does not see this conversation'),
    expected_output: z.string().max(10_000).optional().describe('What the answer should look like'),
    deadline_seconds,
  }),
  ask_teammate: z.object({ agent, question: z.string().trim().min(1).max(20_000), deadline_seconds }),
  share_context: z.object({
    to: z.string().min(1).max(200).describe('Slug or name of a teammate, or "everyone"'),
    content: z.string().trim().min(1).max(20_000),
  }),
  broadcast: z.object({ content: z.string().trim().min(1).max(20_000) }),
};
type ToolName = keyof typeof inputs;

const descriptions: Record<ToolName, string> = {
  list_teammates: 'The other agents of your team, with what they are good at.',
  delegate_task:
    'Gives a task to a teammate and returns its answer. Several calls in one message run at the same time. The teammate works in the same workspace, but does not see this conversation.',
  ask_teammate: 'Asks a teammate a question and returns the answer.',
  share_context: 'Tells a teammate something that it reads before its next task. Returns at once, without an answer.',
  broadcast: 'Tells all teammates something that they read before their next task. Returns at once, without an answer.',
};

/** What does not change anything here may run at the same time as its like: the CLI goes by this hint alone. */
const atTheSameTime: ReadonlySet<ToolName> = new Set(['list_teammates', 'delegate_task', 'ask_teammate']);

/** The tools of the MCP server `crew`, as the model is told of them. */
export function crewTools(): McpTool[] {
  return Object.entries(inputs).map(([name, schema]) => ({
    name,
    description: descriptions[name as ToolName],
    inputSchema: z.toJSONSchema(schema, { io: 'input' }),
    annotations: { readOnlyHint: atTheSameTime.has(name as ToolName) },
  }));
}

/** Runs one call. What goes wrong is told to the model. */
export async function callCrewTool(
  options: CrewToolOptions,
  tool: string,
  input: unknown,
  signal: AbortSignal,
): Promise<McpResult> {
  try {
    return { text: cut(await run(options, tool, input ?? {}, signal), resultLimit, '\n[cut off here]') };
  } catch (error) {
    return { text: problemOf(error), isError: true };
  }
}

async function run({ teammates, delegations }: CrewToolOptions, tool: string, input: unknown, signal: AbortSignal) {
  const find = (name: string) => teammateNamed(teammates, name);
  switch (tool) {
    case 'list_teammates':
      return rosterOf(teammates);
    case 'delegate_task': {
      const {
        agent: name,
        instruction,
        expected_output,
        deadline_seconds: deadlineSeconds,
      } = inputs[tool].parse(input);
      const task = { content: instruction, expectedOutput: expected_output, deadlineSeconds };
      return delegations.run({ type: 'task_assignment', agent: find(name).slug, ...task }, signal);
    }
    case 'ask_teammate': {
      const { agent: name, question, deadline_seconds: deadlineSeconds } = inputs[tool].parse(input);
      return delegations.run({ type: 'question', agent: find(name).slug, content: question, deadlineSeconds }, signal);
    }
    case 'share_context': {
      const { to, content } = inputs[tool].parse(input);
      return share(delegations, to === 'everyone' ? teammates : [find(to)], content, signal);
    }
    case 'broadcast':
      return share(delegations, teammates, inputs[tool].parse(input).content, signal);
    default:
      throw new CrewError('INVALID_REQUEST', `there is no tool ${tool}`);
  }
}

async function share(
  delegations: CrewToolOptions['delegations'],
  to: readonly Teammate[],
  content: string,
  signal: AbortSignal,
): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(sharingMs)]);
  await Promise.all(to.map(({ slug }) => delegations.share(slug, content, limit)));
  return `Shared with ${to.map(({ slug }) => slug).join(', ')}.`;
}

function teammateNamed(teammates: readonly Teammate[], name: string): Teammate {
  const found = findTeammate(teammates, name);
  if (found) return found;
  const known = teammates.map(({ slug }) => slug).join(', ');
  throw new CrewError('AGENT_NOT_FOUND', `you have no teammate ${name}; your teammates are: ${known}`);
}

function rosterOf(teammates: readonly Teammate[]): string {
  return teammates
    .map(({ slug, name, role, specialty, description }) => {
      const about = [specialty, description].filter((text) => text !== '').join(': ');
      return `- ${slug}${name === slug ? '' : ` (${name})`}, ${role}${about && ` — ${about}`}`;
    })
    .join('\n');
}

function problemOf(error: unknown): string {
  if (error instanceof z.ZodError) return `The call is not valid:\n${z.prettifyError(error)}`;
  return error instanceof CrewError ? `${error.code}: ${error.message}` : messageOf(error);
}
