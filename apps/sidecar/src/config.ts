import { z } from 'zod';

const environmentSchema = z.object({
  /** File with the agent's spec (JSON); `-` is the standard input. */
  AGENT_SPEC_FILE: z.string().min(1),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** `<instance>/<team>/<agent>`: the mark in this process's own environment, by which a runtime finds it again. */
  AGENTCREW_AGENT: z.string().optional(),
});

/** The sidecar's environment; everything else it needs is in the spec. */
export interface Config {
  readonly specFile: string;
  readonly logLevel: string;
  readonly marker: string | undefined;
}

/** Something in the environment or in the spec that cannot be used; one line for each problem, none shows a value. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** @throws ConfigError with every problem at once. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error));
  const { AGENT_SPEC_FILE, LOG_LEVEL, AGENTCREW_AGENT } = parsed.data;
  return Object.freeze({ specFile: AGENT_SPEC_FILE, logLevel: LOG_LEVEL, marker: AGENTCREW_AGENT });
}

/** One line for each issue: where, and which rule. Values are left out: they may be secrets. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`);
}
