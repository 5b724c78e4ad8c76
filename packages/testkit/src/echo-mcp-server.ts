import { fileURLToPath } from 'node:url';

/**
 * An MCP server of its own process, with a tool `shout` that gives its text in capitals. With `MODE=mute` it never answers,
 * with `MODE=broken` it ends at once.
 */
export const echoMcpServer = {
  command: process.execPath,
  args: [fileURLToPath(new URL('./echo-mcp-server/main.ts', import.meta.url))],
} as const;
