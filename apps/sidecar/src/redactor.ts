import { type AgentSecrets, redact } from '@agentcrew/protocol';

/** Takes the agent's secrets out of everything that leaves the process: envelopes and log lines. */
export interface Redactor {
  text(text: string): string;
  /** A copy of plain JSON data. */
  data<T>(data: T): T;
}

export function createRedactor(secrets: AgentSecrets): Redactor {
  const values = Object.values(secrets).filter((secret) => secret !== undefined && secret !== '');
  // Inside a JSON document a secret with quotes or backslashes looks different.
  const needles = values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]);
  const text = (input: string) => redact(input, needles);
  return { text, data: (data) => JSON.parse(text(JSON.stringify(data))) };
}
