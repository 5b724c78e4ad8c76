import type { ClaudeEvent } from '@agentcrew/claude';
import type { ContextUse } from '@agentcrew/protocol';
import { z } from 'zod';

const count = z.int().nonnegative().catch(0);

const usageSchema = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
});

const resultSchema = z.object({
  type: z.literal('result'),
  modelUsage: z.record(z.string(), z.object({ contextWindow: z.int().positive().optional().catch(undefined) })),
});

/** What can be told of the CLI from what it prints: how full its context is, and when it printed last. */
export class Vitals {
  #context: ContextUse | undefined;
  #window: number | undefined;
  #lastAt: Date | undefined;

  see(event: ClaudeEvent): void {
    this.#lastAt = new Date();
    // Subagents have contexts of their own.
    if (event.type === 'assistant' && event.parentToolUseId === undefined) this.#readUsage(event.message.usage);
    if (event.type === 'other' && event.line.type === 'result') this.#readWindow(event.line);
  }

  facts(): { context?: ContextUse; last_activity_at?: string } {
    const window = this.#window === undefined ? {} : { window: this.#window };
    return {
      ...(this.#context && { context: { ...this.#context, ...window } }),
      ...(this.#lastAt && { last_activity_at: this.#lastAt.toISOString() }),
    };
  }

  #readUsage(data: unknown): void {
    const usage = usageSchema.safeParse(data).data;
    const tokens = usage && Object.values(usage).reduce((sum, part) => sum + part, 0);
    // What the CLI says in Claude's stead has used nothing.
    if (tokens) this.#context = { tokens };
  }

  #readWindow(line: Record<string, unknown>): void {
    const models = Object.values(resultSchema.safeParse(line).data?.modelUsage ?? {});
    const windows = models.map(({ contextWindow }) => contextWindow).filter((size) => size !== undefined);
    // A turn may have used a small model beside the one that leads the conversation.
    if (windows.length > 0) this.#window = Math.max(...windows);
  }
}
