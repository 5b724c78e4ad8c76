import type { AgentSecrets, AgentSpec } from '@agentcrew/protocol';

const variables: Record<keyof AgentSecrets, string> = {
  nats_token: 'NATS_TOKEN',
  anthropic_api_key: 'ANTHROPIC_API_KEY',
  claude_code_oauth_token: 'CLAUDE_CODE_OAUTH_TOKEN',
  mcp: 'MCP_SECRETS',
};

/**
 * Takes the secrets out of the environment, where Kubernetes puts them: whatever this process starts does not inherit
 * them. The kernel goes on to show them in this process's `/proc/<pid>/environ`, though to root alone when the program
 * may be run and not read, as in our image.
 */
export function takeSecrets(environment: Record<string, string | undefined>): AgentSecrets {
  const found = Object.entries(variables).flatMap(([secret, variable]) => {
    const value = environment[variable];
    delete environment[variable];
    return value ? [[secret, value]] : [];
  });
  return Object.fromEntries(found);
}

/** The spec with secrets that it does not have itself. */
export function withSecrets(spec: AgentSpec, secrets: AgentSecrets): AgentSpec {
  return { ...spec, secrets: { ...secrets, ...spec.secrets } };
}
