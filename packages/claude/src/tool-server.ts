/** A tool as an MCP server lists it. */
export interface McpTool {
  name: string;
  description: string;
  /** JSON schema of the input. */
  inputSchema: Record<string, unknown>;
  /** `readOnlyHint` lets the CLI run several calls of one message at the same time. */
  annotations?: { readOnlyHint?: boolean };
}

/** What a call gave, as text for the model. */
export interface McpResult {
  text: string;
  isError?: boolean;
}

/**
 * Tools of this process that the model can call as `mcp__<name>__<tool>`. The CLI reaches them over its standard input
 * and output, so that there is no port and no token. Every call passes `decide` before.
 */
export interface ToolServer {
  name: string;
  /** Asked once for each CLI. */
  tools: () => Promise<McpTool[]>;
  /** A rejection is an error for the model. The signal aborts when nobody waits for the result any more. */
  call: (tool: string, input: unknown, signal: AbortSignal) => Promise<McpResult>;
  /** A call that takes longer is given up by the CLI, in milliseconds. */
  callTimeoutMs: number;
}
