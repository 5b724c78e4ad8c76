import type { ClaudeOptions, ClaudeProcess } from './claude.ts';
import { ClaudeCli } from './claude-cli.ts';
import { launch } from './launch.ts';

/**
 * Starts the CLI and waits until it takes messages. The session goes on when it has a transcript, else it is new.
 * Rejects with CrewError `CLI_NOT_FOUND` or `CLI_FAILED`; its details have the reason `session_unknown` when the CLI
 * does not accept the session's transcript.
 */
export async function startClaude(options: ClaudeOptions): Promise<ClaudeProcess> {
  const cli = new ClaudeCli(await launch(options), options);
  try {
    await cli.initialize(options.startTimeoutMs ?? 60_000);
    await cli.connectMcpServers();
    return cli;
  } catch (error) {
    await cli[Symbol.asyncDispose]();
    throw error;
  }
}
