import { readFileSync } from 'node:fs';
import { type AgentSpec, agentMarker, agentSpecSchema } from '@agentcrew/protocol';
import { type Config, ConfigError, problemsOf } from './config.ts';

const standardInput = 0;

/**
 * Reads who this agent is.
 * @throws ConfigError with every problem at once.
 */
export function readSpec(config: Config): AgentSpec {
  const parsed = agentSpecSchema.safeParse(readJson(config.specFile));
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error));
  const marker = agentMarker(parsed.data);
  if (config.marker !== undefined && config.marker !== marker)
    throw new ConfigError([`AGENTCREW_AGENT: is ${config.marker}, but the spec is that of ${marker}`]);
  return parsed.data;
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError([`AGENT_SPEC_FILE: cannot read ${file} (${reason})`]);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it perhaps a secret.
    throw new ConfigError([`AGENT_SPEC_FILE: ${file} is not valid JSON`]);
  }
}
