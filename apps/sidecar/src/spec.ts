import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentSpec, agentMarker, agentSpecSchema } from '@agentcrew/protocol';
import { type Config, ConfigError, problemsOf } from './config.ts';

const standardInput = 0;
/** How long the file may take to appear: a container is started first and then told who it is. */
const fileWithinMs = 60_000;
const pollMs = 50;

/**
 * Reads who this agent is. A plain file is waited for, and deleted once it is read: it holds secrets, and the commands that
 * the agent runs have the same user.
 * @throws ConfigError with every problem at once.
 */
export async function readSpec(config: Config, withinMs = fileWithinMs): Promise<AgentSpec> {
  const parsed = agentSpecSchema.safeParse(parse(config.specFile, await readText(config.specFile, withinMs)));
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error));
  const marker = agentMarker(parsed.data);
  if (config.marker !== undefined && config.marker !== marker)
    throw new ConfigError([`AGENTCREW_AGENT: is ${config.marker}, but the spec is that of ${marker}`]);
  return parsed.data;
}

async function readText(file: string, withinMs: number): Promise<string> {
  if (file === '-') return attempt(`read ${file}`, () => readFileSync(standardInput, 'utf8'));
  const deadline = performance.now() + withinMs;
  while (!existsSync(file) && performance.now() < deadline) await sleep(pollMs);
  const text = attempt(`read ${file}`, () => readFileSync(file, 'utf8'));
  // A device, a pipe or a link is somebody else's to remove.
  if (lstatSync(file).isFile()) attempt(`delete ${file}`, () => rmSync(file));
  return text;
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError([`AGENT_SPEC_FILE: cannot ${what} (${reason})`]);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it perhaps a secret.
    throw new ConfigError([`AGENT_SPEC_FILE: ${file} is not valid JSON`]);
  }
}
