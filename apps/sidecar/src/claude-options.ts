import { join } from 'node:path';
import type { ClaudeOptions } from '@agentcrew/claude';
import { type AgentSpec, agentMarker, agentMarkerVariable } from '@agentcrew/protocol';

/** Folders of the CLI's own inside the agent's state folder. */
export function cliFolders(stateFolder: string): { home: string; configDir: string } {
  return { home: join(stateFolder, 'home'), configDir: join(stateFolder, 'claude') };
}

/** How the agent's CLI is started, but for its session, its briefing and the callbacks. */
export function claudeOptions(
  spec: AgentSpec,
  tools: string[],
): Omit<ClaudeOptions, 'sessionId' | 'instructions' | 'decide' | 'onEvent' | 'onStderr'> {
  const { anthropic_api_key: apiKey, claude_code_oauth_token: oauthToken } = spec.secrets;
  return {
    ...cliFolders(spec.state_dir),
    cwd: spec.workspace,
    tools,
    ...(spec.model && { model: spec.model }),
    ...(spec.anthropic_base_url && { anthropicBaseUrl: spec.anthropic_base_url }),
    ...(apiKey && { apiKey }),
    ...(oauthToken && { oauthToken }),
    env: { ...spec.env, [agentMarkerVariable]: agentMarker(spec) },
  };
}
