import type { ClaudeOptions } from './claude.ts';
import type { ToolServer } from './tool-server.ts';

/**
 * Settings that win over every settings file. `ask` on everything makes the CLI ask `decide` about every tool call;
 * the long cleanup period keeps it from deleting an old session.
 */
const settings = { permissions: { ask: ['*'] }, cleanupPeriodDays: 36_500 };

/** How the conversation starts: a new one, or one that has a transcript. */
export type SessionFlag = '--session-id' | '--resume';

/** The CLI's arguments. Long text travels in `instructionsFile`: the system limits one argument to 128 KiB. */
export function buildArguments(
  options: Pick<ClaudeOptions, 'model' | 'sessionId' | 'tools' | 'toolServer'>,
  sessionFlag: SessionFlag,
  instructionsFile: string,
): string[] {
  return [
    '-p',
    ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
    ...['--include-partial-messages', '--replay-user-messages', '--forward-subagent-text'],
    ...['--permission-prompt-tool', 'stdio', '--permission-mode', 'manual'],
    // A cloned repository's settings, hooks and MCP servers must not run unasked.
    ...['--setting-sources', '', '--strict-mcp-config', '--disable-slash-commands'],
    ...['--settings', JSON.stringify(settings)],
    ...['--tools', options.tools.join(',')],
    ...mcpConfig(options.toolServer),
    ...(options.model ? ['--model', options.model] : []),
    // Without `off`, a resumed session would keep the instructions it was started with.
    ...['--append-system-prompt-file', instructionsFile, '--system-prompt-snapshot', 'off'],
    ...[sessionFlag, options.sessionId],
  ];
}

/** `sdk`: the CLI talks to the server over its standard input and output. */
function mcpConfig(server: ClaudeOptions['toolServer']): string[] {
  return server ? ['--mcp-config', JSON.stringify({ mcpServers: { [server.name]: sdkServer(server) } })] : [];
}

/** Our own server, as the CLI is told of it. */
export function sdkServer({ name, callTimeoutMs: timeout }: ToolServer): object {
  return { type: 'sdk', name, timeout };
}
