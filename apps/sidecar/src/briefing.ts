import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClaudeOptions } from '@agentcrew/claude';
import { type AgentMcpServer, type AgentSpec, isCrewServer, joinMcpSecrets } from '@agentcrew/protocol';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

const fileSchema = z.object({
  /** The instructions of the spec that these replace, as a hash. */
  replaces: z.string(),
  instructions: z.string(),
});

/**
 * What the agent is told about itself, as of now: by its spec, and since then by the server. A process that is started
 * again with the same spec goes on with the newer text; another spec is newer than both. MCP servers have secrets, and are
 * in no file: such a process has those of the spec until the server tells it.
 */
export class Briefing {
  readonly #file: string;
  readonly #replaces: string;
  #instructions: string;
  #mcpServers: AgentMcpServer[];

  constructor(spec: Pick<AgentSpec, 'state_dir' | 'instructions' | 'mcp_servers' | 'secrets'>) {
    const { state_dir, instructions } = spec;
    this.#file = join(state_dir, 'briefing.json');
    this.#replaces = createHash('sha256').update(instructions).digest('hex');
    this.#instructions = this.#stored() ?? instructions;
    this.#mcpServers = usable(joinMcpSecrets(spec.mcp_servers, spec.secrets.mcp));
  }

  /** For the next CLI that is started. */
  options(): Required<Pick<ClaudeOptions, 'instructions' | 'mcpServers'>> {
    return { instructions: this.#instructions, mcpServers: this.#mcpServers };
  }

  /** Keeps other instructions; `false` when they are the same. */
  instruct(instructions: string): boolean {
    if (instructions === this.#instructions) return false;
    writeFileAtomically(this.#file, JSON.stringify({ replaces: this.#replaces, instructions }));
    this.#instructions = instructions;
    return true;
  }

  /** Other MCP servers; `false` when they are the same. */
  equip(servers: AgentMcpServer[]): boolean {
    const wanted = usable(servers);
    if (isDeepStrictEqual(wanted, this.#mcpServers)) return false;
    this.#mcpServers = wanted;
    return true;
  }

  #stored(): string | undefined {
    try {
      const stored = fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
      if (stored.replaces === this.#replaces) return stored.instructions;
    } catch {
      // Absent or unreadable counts as none.
    }
    rmSync(this.#file, { force: true });
    return undefined;
  }
}

/** A database of an earlier version may hold a server that is called like the team's own. */
function usable(servers: AgentMcpServer[]): AgentMcpServer[] {
  return servers.filter(({ name }) => !isCrewServer(name));
}
