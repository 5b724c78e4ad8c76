import type { ToolServer } from '@agentcrew/claude';
import type { CrewToolOptions } from './tools.ts';

/** Longer than the longest deadline of a task, so that it is the task that ends first, in milliseconds. */
const callTimeoutMs = 3_700_000;

/** The tools with which an agent talks to its team. They are loaded with the first CLI: until then nobody needs them. */
export function crewServer(options: CrewToolOptions): ToolServer {
  return {
    name: 'crew',
    callTimeoutMs,
    tools: async () => (await import('./tools.ts')).crewTools(),
    call: async (tool, input, signal) => (await import('./tools.ts')).callCrewTool(options, tool, input, signal),
  };
}
