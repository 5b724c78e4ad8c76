import { isDeepStrictEqual } from 'node:util';
import type { ClaudeEvent, McpServerState } from '@agentcrew/claude';
import { isCrewServer, type McpStatusPayload } from '@agentcrew/protocol';

type States = McpStatusPayload['servers'];

const longestError = 500;
const words: Record<string, Pick<McpServerState, 'status' | 'error'>> = {
  connected: { status: 'running' },
  'needs-auth': { status: 'failed', error: 'the server wants a sign-in: give its token in a header' },
};

/** Notices when the agent's MCP servers change. */
export class McpStates {
  #told: States = [];

  /** How all of them are now, when that is news. */
  read(event: ClaudeEvent): States | undefined {
    if (event.type !== 'mcp' && event.type !== 'init') return undefined;
    const reported = event.type === 'mcp' ? event.servers : event.mcpServers;
    const states = reported.filter(({ name }) => !isCrewServer(name)).map((server) => this.#state(server));
    if (isDeepStrictEqual(states, this.#told)) return undefined;
    this.#told = states;
    return states;
  }

  #state({ name, ...reported }: McpServerState): States[number] {
    const { status, error } = words[reported.status] ?? reported;
    // At the start of a turn the CLI says that one has failed, and not why.
    const known = this.#told.find((before) => before.name === name && before.status === status)?.error;
    const reason = (error ?? known)?.slice(0, longestError);
    return { name: name.slice(0, 64), status: status.slice(0, 64), ...(reason && { error: reason }) };
  }
}
