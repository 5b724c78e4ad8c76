import { messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import type { ToolServer } from './tool-server.ts';
import type { WriteLine } from './writer.ts';

const lineSchema = z.object({
  request_id: z.string(),
  request: z.object({
    subtype: z.literal('mcp_message'),
    server_name: z.string(),
    message: z.object({
      id: z.union([z.string(), z.number()]).optional(),
      method: z.string(),
      params: z.record(z.string(), z.unknown()).default({}),
    }),
  }),
});
type Message = z.infer<typeof lineSchema>['request']['message'];

const callSchema = z.object({ name: z.string(), arguments: z.unknown() });

const methodNotFound = -32_601;
const internalError = -32_603;
/** Spoken when the CLI does not say which version it wants. */
const protocolVersion = '2025-06-18';

/**
 * The server's side of MCP, as far as the CLI uses it for tools. By hand: the official SDK would bring express, hono
 * and ninety packages more into the agents' image for these four methods.
 */
export class McpMessages {
  readonly #server: ToolServer | undefined;
  readonly #write: WriteLine;
  readonly #calls = new Map<string | number, AbortController>();

  constructor(server: ToolServer | undefined, write: WriteLine) {
    this.#server = server;
    this.#write = write;
  }

  /** Takes a `control_request` line and answers it in its own time. `false`: it is not for an MCP server. */
  handle(line: Record<string, unknown>): boolean {
    const parsed = lineSchema.safeParse(line).data;
    if (!parsed || parsed.request.server_name !== this.#server?.name) return false;
    void this.#answer(parsed.request_id, this.#server, parsed.request.message);
    return true;
  }

  /** The turn or the process has ended. */
  cancelAll(): void {
    for (const controller of this.#calls.values()) controller.abort();
  }

  async #answer(requestId: string, server: ToolServer, message: Message): Promise<void> {
    const { id } = message;
    if (message.method === 'notifications/cancelled') this.#cancel(message.params.requestId);
    // The CLI wants an answer to a notification too, and does not look at it.
    const answer = id === undefined ? { id: 0, result: {} } : { id, ...(await this.#outcome(server, message)) };
    const response = { mcp_response: { jsonrpc: '2.0' as const, ...answer } };
    this.#write({ type: 'control_response', response: { subtype: 'success', request_id: requestId, response } });
  }

  async #outcome(server: ToolServer, message: Message): Promise<{ result: object } | { error: object }> {
    try {
      const result = await this.#result(server, message);
      return result ? { result } : { error: { code: methodNotFound, message: `unknown method ${message.method}` } };
    } catch (error) {
      return { error: { code: internalError, message: messageOf(error) } };
    }
  }

  async #result(server: ToolServer, message: Message): Promise<object | undefined> {
    switch (message.method) {
      case 'initialize':
        return {
          protocolVersion: message.params.protocolVersion ?? protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: server.name, version: '1' },
        };
      case 'ping':
        return {};
      case 'tools/list':
        return { tools: await server.tools() };
      case 'tools/call':
        return this.#call(server, message);
      default:
        return undefined;
    }
  }

  async #call(server: ToolServer, { id, params }: Message): Promise<object> {
    const { name, arguments: input } = callSchema.parse(params);
    const controller = new AbortController();
    if (id !== undefined) this.#calls.set(id, controller);
    try {
      const { text, isError = false } = await server.call(name, input, controller.signal);
      return { content: [{ type: 'text', text }], isError };
    } catch (error) {
      return { content: [{ type: 'text', text: messageOf(error) }], isError: true };
    } finally {
      if (id !== undefined) this.#calls.delete(id);
    }
  }

  #cancel(id: unknown): void {
    if (typeof id === 'string' || typeof id === 'number') this.#calls.get(id)?.abort();
  }
}
