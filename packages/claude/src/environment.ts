import type { ClaudeOptions } from './claude.ts';

/** How the CLI behaves, whatever its version's defaults. */
const switches = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // A subagent in the background would outlive the turn's result.
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
  // `@/etc/passwd` in a message would be read and sent without asking `decide`.
  CLAUDE_CODE_DISABLE_FILE_MENTIONS: '1',
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  CLAUDE_CODE_DISABLE_FILE_CHECKPOINTING: '1',
  // The user's message is in the transcript before the model sees it, also when the CLI is killed a moment later.
  CLAUDE_CODE_EAGER_FLUSH: '1',
  CLAUDE_CODE_STARTUP_FAILURE_RESULTS: '1',
  CLAUDE_CODE_SDK_READS_SESSION_STATE: '1',
  CLAUDE_CODE_MAX_RETRIES: '4',
  API_TIMEOUT_MS: '120000',
  // An MCP server that does not answer at its start holds up the first turn for so long.
  MCP_TIMEOUT: '20000',
  CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
  CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '60000',
};

/** Taken over from this process; nothing else of its environment reaches the CLI or its tools. */
const inherited = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

/** What would change the CLI's behaviour or credentials, or run code in every process it starts. */
const refused =
  /^(ANTHROPIC_|CLAUDE|LD_|DYLD_|BUN_|DISABLE_|AWS_BEARER_TOKEN_BEDROCK$|NODE_OPTIONS$|BASH_ENV$|ENV$|IS_SANDBOX$|API_TIMEOUT_MS$|HOME$)/;

/** Names the file descriptor on which the CLI reads its credential. */
const credentialDescriptor = 3;

/** The CLI's environment, from scratch. Credentials are not in it: they travel through a pipe (see `credentialOf`). */
export function buildEnvironment(options: ClaudeOptions): Record<string, string> {
  const additional = Object.entries(options.env).filter(
    ([name]) => !refused.test(name) && !inherited.includes(name) && !Object.hasOwn(switches, name),
  );
  const fromHere = inherited.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const { variable } = credentialOf(options) ?? {};
  return {
    ...Object.fromEntries(additional),
    LANG: 'C.UTF-8',
    ...Object.fromEntries(fromHere),
    ...switches,
    HOME: options.home,
    CLAUDE_CONFIG_DIR: options.configDir,
    ...(options.anthropicBaseUrl && { ANTHROPIC_BASE_URL: options.anthropicBaseUrl }),
    ...(variable && { [variable]: String(credentialDescriptor) }),
  };
}

/** The credential that is handed over, and the variable that tells the CLI where to read it. A key goes before a token. */
export function credentialOf(
  options: Pick<ClaudeOptions, 'apiKey' | 'oauthToken'>,
): { variable: string; value: string } | undefined {
  if (options.apiKey) return { variable: 'CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR', value: options.apiKey };
  if (options.oauthToken) return { variable: 'CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR', value: options.oauthToken };
  return undefined;
}
