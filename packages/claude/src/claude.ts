import type { AgentMcpServer, Usage } from '@agentcrew/protocol';
import type { ToolServer } from './tool-server.ts';

/** How one Claude Code CLI is started. */
export interface ClaudeOptions {
  /** Path of the CLI; default: `findClaude()`. */
  executable?: string;
  cwd: string;
  /** CLAUDE_CONFIG_DIR: settings, transcripts. */
  configDir: string;
  /** HOME of the CLI and its tools. */
  home: string;
  sessionId: string;
  model?: string;
  instructions: string;
  /** Names of the built-in tools the CLI offers to the model. */
  tools: string[];
  /** Further tools, which run in this process. */
  toolServer?: ToolServer;
  /** MCP servers the CLI starts or connects to; how they are comes as an `mcp` event. None is called like the `toolServer`. */
  mcpServers?: AgentMcpServer[];
  anthropicBaseUrl?: string;
  /** Handed over through pipes, never through the environment or the command line. */
  apiKey?: string;
  oauthToken?: string;
  /** Additional environment of the CLI and its tools. */
  env: Record<string, string>;
  /** How long the CLI may take until it answers `initialize`. Default 60 000. */
  startTimeoutMs?: number;
  /** Decides about every tool call before it runs; a rejection is a denial. */
  decide: (call: ToolCall, signal: AbortSignal) => Promise<ToolDecision>;
  /** Everything the CLI prints, in order. Must not throw. */
  onEvent: (event: ClaudeEvent) => void;
  /** Lines of the CLI's standard error. */
  onStderr?: (line: string) => void;
}

export interface ToolCall {
  requestId: string;
  tool: string;
  input: Record<string, unknown>;
  /** Set for a call of a subagent. */
  agentId?: string;
}

export type ToolDecision =
  | { behavior: 'allow'; updatedInput?: Record<string, unknown> }
  | { behavior: 'deny'; message: string };

/**
 * What the CLI prints, reduced to what this product uses. Lines of other kinds come as `other`; so new kinds are
 * never an error.
 */
export type ClaudeEvent =
  | { type: 'init'; model: string; sessionId: string; tools: string[]; mcpServers: { name: string; status: string }[] }
  /** How the MCP servers are, once after the start of the CLI; afterwards `init` tells it at the start of each turn. */
  | { type: 'mcp'; servers: McpServerState[] }
  | { type: 'assistant'; message: Record<string, unknown>; content: ContentBlock[]; parentToolUseId?: string }
  | { type: 'tool_result'; toolUseId: string; content: unknown; isError: boolean; parentToolUseId?: string }
  | { type: 'retry'; attempt: number; maxRetries: number; delayMs: number; status?: number; error: string }
  /** Claude's limit for this account is reached until `resetsAt` (milliseconds since 1970). */
  | { type: 'rate_limit'; resetsAt: number }
  /** Something arrived from the model: proof of life for the stall watchdog. */
  | { type: 'stream'; event: Record<string, unknown> }
  | { type: 'other'; line: Record<string, unknown> };

/** `connected`, `failed`, or what else the CLI says. */
export interface McpServerState {
  name: string;
  status: string;
  error?: string;
}

export type ContentBlock =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> }
  | { type: 'other'; block: Record<string, unknown> };

/** The end of a turn, from the CLI's `result` line. `subtype: "success"` does not mean success there; `outcome` does. */
export interface TurnResult {
  outcome: 'completed' | 'failed' | 'interrupted';
  /** Claude's final text; for `failed` the CLI's own words. */
  text: string;
  /** HTTP status of the model's API, when it refused. */
  apiStatus?: number;
  terminalReason?: string;
  /** Of this turn alone, subagents included. */
  usage: Usage;
  /** US dollars, of this turn alone, subagents included (the CLI's own total goes on over a resumed session). */
  costUsd: number;
  durationMs: number;
  sessionId: string;
}

/** A running CLI. Dispose it to end it: standard input closed (not in a turn), SIGTERM, then SIGKILL. */
export interface ClaudeProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<{ exitCode?: number; signal?: string; stderr: string }>;
  /**
   * Runs one turn; not while another runs. `content` is text, or several text blocks. `uuid` names the user message
   * in the transcript; a new one for every attempt, because the CLI passes over a message whose uuid it knows. Rejects with CrewError `CLI_FAILED` when the process ends before the result.
   */
  turn(input: { content: string | string[]; uuid: string }): Promise<TurnResult>;
  /** Ends the running turn, whose result then says `interrupted`. Harmless when idle. */
  interrupt(): Promise<void>;
  /** US dollars that the session has cost so far, to a hundredth of a cent; `undefined` when the CLI does not say. */
  sessionCost(): Promise<number | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}
