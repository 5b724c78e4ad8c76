import { type ToolRequest, textOf } from './input.ts';
import type { Permissions } from './schema.ts';
import { names } from './tools.ts';

/** Claude's own tool for questions to the user. Only a person can answer, so nothing silences it. */
export const questionTool = 'AskUserQuestion';

/** What an approval of a call holds for beyond this once: the same command, or else the same tool. */
export type Approved = { approved_commands: string[] } | { approved_tools: string[] };

/** @returns undefined for a question: its answer is good for that question alone. */
export function approvedBy({ tool, input }: Pick<ToolRequest, 'tool' | 'input'>): Approved | undefined {
  if (tool === questionTool) return undefined;
  if (tool !== 'Bash') return { approved_tools: [tool] };
  const command = textOf(input, 'command');
  return command ? { approved_commands: [command] } : undefined;
}

/** Whether a person has approved such calls before; that answers what would be asked and lifts no denial. */
export function isApproved(
  { approved_commands, approved_tools }: Pick<Permissions, 'approved_commands' | 'approved_tools'>,
  { tool, input }: Pick<ToolRequest, 'tool' | 'input'>,
): boolean {
  if (tool === questionTool) return false;
  if (tool !== 'Bash') return names(approved_tools, tool);
  const command = textOf(input, 'command');
  return command !== undefined && approved_commands.includes(command);
}
