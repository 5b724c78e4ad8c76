import { z } from 'zod';
import type { ClaudeEvent, ContentBlock } from './claude.ts';
import { isObject } from './lines.ts';

const initSchema = z.object({
  type: z.literal('system'),
  subtype: z.literal('init'),
  model: z.string(),
  session_id: z.string(),
  tools: z.array(z.string()),
  mcp_servers: z.array(z.object({ name: z.string(), status: z.string() })).default([]),
});

const retrySchema = z.object({
  type: z.literal('system'),
  subtype: z.literal('api_retry'),
  attempt: z.number(),
  max_retries: z.number(),
  retry_delay_ms: z.number(),
  error_status: z.number().nullish(),
  error: z.string(),
});

const rateLimitSchema = z.object({
  type: z.literal('rate_limit_event'),
  rate_limit_info: z.object({ status: z.literal('rejected'), resetsAt: z.number().positive() }),
});

/** What one line of the CLI says. Most lines are one event; one with several tool results is several. */
export function toEvents(line: Record<string, unknown>): ClaudeEvent[] {
  if (line.type === 'stream_event' && isObject(line.event)) return [{ type: 'stream', event: line.event }];
  if (line.type === 'assistant' && isObject(line.message)) return [assistantEvent(line, line.message)];
  if (line.type === 'user' && isObject(line.message)) {
    const results = toolResults(line, line.message);
    if (results.length > 0) return results;
  }
  return [systemEvent(line) ?? rateLimitEvent(line) ?? { type: 'other', line }];
}

function assistantEvent(line: Record<string, unknown>, message: Record<string, unknown>): ClaudeEvent {
  const blocks = Array.isArray(message.content) ? message.content.filter(isObject) : [];
  return { type: 'assistant', message, content: blocks.map(contentBlock), ...parentOf(line) };
}

function contentBlock(block: Record<string, unknown>): ContentBlock {
  const { type, text, thinking, id, name, input } = block;
  if (type === 'text' && typeof text === 'string') return { type, text };
  if (type === 'thinking' && typeof thinking === 'string') return { type, thinking };
  if (type === 'tool_use' && typeof id === 'string' && typeof name === 'string' && isObject(input)) {
    return { type, id, name, input };
  }
  return { type: 'other', block };
}

function toolResults(line: Record<string, unknown>, message: Record<string, unknown>): ClaudeEvent[] {
  const blocks = Array.isArray(message.content) ? message.content.filter(isObject) : [];
  return blocks
    .filter((block) => block.type === 'tool_result' && typeof block.tool_use_id === 'string')
    .map((block) => ({
      type: 'tool_result',
      toolUseId: String(block.tool_use_id),
      content: block.content,
      isError: block.is_error === true,
      ...parentOf(line),
    }));
}

function systemEvent(line: Record<string, unknown>): ClaudeEvent | undefined {
  const init = initSchema.safeParse(line).data;
  if (init) {
    const { model, session_id: sessionId, tools, mcp_servers: mcpServers } = init;
    return { type: 'init', model, sessionId, tools, mcpServers };
  }
  const retry = retrySchema.safeParse(line).data;
  if (!retry) return undefined;
  return {
    type: 'retry',
    attempt: retry.attempt,
    maxRetries: retry.max_retries,
    delayMs: retry.retry_delay_ms,
    error: retry.error,
    ...(typeof retry.error_status === 'number' && { status: retry.error_status }),
  };
}

function rateLimitEvent(line: Record<string, unknown>): ClaudeEvent | undefined {
  const limit = rateLimitSchema.safeParse(line).data?.rate_limit_info;
  return limit && { type: 'rate_limit', resetsAt: limit.resetsAt * 1_000 };
}

/** Set for what a subagent says or does: the id of the tool call it was started with. */
function parentOf(line: Record<string, unknown>): { parentToolUseId?: string } {
  return typeof line.parent_tool_use_id === 'string' ? { parentToolUseId: line.parent_tool_use_id } : {};
}
