import { type AgentSecrets, redact } from '@agentcrew/protocol';

/** Takes the agent's secrets out of everything that leaves the process: envelopes and log lines. */
export interface Redactor {
  text(text: string): string;
  /** A copy of plain JSON data. */
  data<T>(data: T): T;
  /** From now on takes out these too. */
  learn(secrets: string[]): void;
}

export function createRedactor(secrets: AgentSecrets): Redactor {
  const needles = new Set<string>();
  const learn = (values: (string | undefined)[]) => {
    for (const value of values.filter((secret) => secret !== undefined)) {
      needles.add(value);
      // Inside a JSON document a secret with quotes or backslashes looks different.
      needles.add(JSON.stringify(value).slice(1, -1));
    }
  };
  learn(Object.values(secrets));
  const text = (input: string) => redact(input, needles);
  return { text, data: (data) => JSON.parse(text(JSON.stringify(data))), learn };
}
