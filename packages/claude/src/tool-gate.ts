import { z } from 'zod';
import type { ClaudeOptions, ToolCall, ToolDecision } from './claude.ts';
import type { PermissionAnswer, WriteLine } from './writer.ts';

const requestSchema = z.object({
  request_id: z.string(),
  request: z.object({
    subtype: z.literal('can_use_tool'),
    tool_name: z.string(),
    input: z.record(z.string(), z.unknown()),
    agent_id: z.string().nullish(),
  }),
});

/**
 * Answers the CLI's requests. It fails closed: a request that cannot be read, a decision that throws or is not a
 * decision, all mean that the tool does not run.
 */
export class ToolGate {
  readonly #decide: ClaudeOptions['decide'];
  readonly #write: WriteLine;
  readonly #open = new Map<string, AbortController>();

  constructor(decide: ClaudeOptions['decide'], write: WriteLine) {
    this.#decide = decide;
    this.#write = write;
  }

  /** Whether the CLI waits for a decision. */
  get waits(): boolean {
    return this.#open.size > 0;
  }

  /** Takes a `control_request` line and answers it in its own time. */
  handle(line: Record<string, unknown>): void {
    const parsed = requestSchema.safeParse(line).data;
    if (parsed) void this.#answer(parsed);
    else if (typeof line.request_id === 'string') {
      const response = { subtype: 'error' as const, request_id: line.request_id, error: 'unsupported request' };
      this.#write({ type: 'control_response', response });
    }
  }

  /** The CLI no longer wants to know. */
  cancel(requestId: unknown): void {
    if (typeof requestId !== 'string') return;
    this.#open.get(requestId)?.abort();
    this.#open.delete(requestId);
  }

  /** The turn or the process has ended. */
  cancelAll(): void {
    for (const requestId of [...this.#open.keys()]) this.cancel(requestId);
  }

  async #answer({ request_id: requestId, request }: z.infer<typeof requestSchema>): Promise<void> {
    const controller = new AbortController();
    this.#open.set(requestId, controller);
    const call = {
      requestId,
      tool: request.tool_name,
      input: request.input,
      ...(request.agent_id && { agentId: request.agent_id }),
    };
    const answer = await this.#ask(call, controller.signal);
    if (!this.#open.delete(requestId)) return;
    this.#write({
      type: 'control_response',
      response: { subtype: 'success', request_id: requestId, response: answer },
    });
  }

  async #ask(call: ToolCall, signal: AbortSignal): Promise<PermissionAnswer> {
    try {
      return toAnswer(await this.#decide(call, signal), call.input);
    } catch {
      return denied('The permission check failed, so the call was not run.');
    }
  }
}

function toAnswer(decision: ToolDecision, input: Record<string, unknown>): PermissionAnswer {
  if (decision.behavior === 'allow') return { behavior: 'allow', updatedInput: decision.updatedInput ?? input };
  return denied(decision.message);
}

function denied(message: string): PermissionAnswer {
  return { behavior: 'deny', message };
}
