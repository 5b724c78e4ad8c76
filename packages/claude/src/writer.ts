import type { Writable } from 'node:stream';

/** Every line that may be written to the CLI: it ends at once on a line it cannot read. */
export type InputLine =
  | {
      type: 'user';
      message: { role: 'user'; content: string | { type: 'text'; text: string }[] };
      parent_tool_use_id: null;
      session_id: '';
      uuid: string;
    }
  | {
      type: 'control_request';
      request_id: string;
      request: ControlRequest;
    }
  | { type: 'control_response'; response: ControlAnswer };

export type ControlRequest =
  | { subtype: 'initialize' | 'interrupt' | 'get_session_cost' | 'mcp_status' }
  | { subtype: 'mcp_set_servers'; servers: Record<string, object> };

type ControlAnswer =
  | { subtype: 'success'; request_id: string; response: PermissionAnswer | McpAnswer }
  | { subtype: 'error'; request_id: string; error: string };

export type PermissionAnswer =
  | { behavior: 'allow'; updatedInput: Record<string, unknown> }
  | { behavior: 'deny'; message: string };

/** An answer of an MCP server, as JSON-RPC. */
interface McpAnswer {
  mcp_response: { jsonrpc: '2.0'; id: string | number; result?: object; error?: object };
}

export type WriteLine = (line: InputLine) => void;

/** Writes lines to the CLI's standard input. What comes too late is dropped: the process's end says so by itself. */
export function lineWriter(stdin: Writable): WriteLine {
  stdin.on('error', () => {});
  return (line) => {
    if (stdin.writable) stdin.write(`${JSON.stringify(line)}\n`);
  };
}
