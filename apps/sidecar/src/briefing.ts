import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClaudeOptions } from '@agentcrew/claude';
import type { AgentSpec } from '@agentcrew/protocol';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

const fileSchema = z.object({
  /** The instructions of the spec that these replace, as a hash. */
  replaces: z.string(),
  instructions: z.string(),
});

/**
 * What the agent is told about itself, as of now: by its spec, and since then by the server. A process that is started
 * again with the same spec goes on with the newer text; another spec is newer than both.
 */
export class Briefing {
  readonly #file: string;
  readonly #replaces: string;
  #instructions: string;

  constructor({ state_dir, instructions }: Pick<AgentSpec, 'state_dir' | 'instructions'>) {
    this.#file = join(state_dir, 'briefing.json');
    this.#replaces = createHash('sha256').update(instructions).digest('hex');
    this.#instructions = this.#stored() ?? instructions;
  }

  /** For the next CLI that is started. */
  options(): Pick<ClaudeOptions, 'instructions'> {
    return { instructions: this.#instructions };
  }

  /** Keeps other instructions; `false` when they are the same. */
  instruct(instructions: string): boolean {
    if (instructions === this.#instructions) return false;
    writeFileAtomically(this.#file, JSON.stringify({ replaces: this.#replaces, instructions }));
    this.#instructions = instructions;
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
