import type { ClaudeEvent, ContentBlock } from '@agentcrew/claude';
import type { ActivityPayload } from '@agentcrew/protocol';
import { cutDeep, oneLine } from './cut.ts';

/** An `activity_event` payload without what is the same for all of the agent's. */
export type ActivityDraft = Pick<ActivityPayload, 'event_type' | 'tool_name' | 'action' | 'payload'>;

/** Tool calls whose results are awaited; more than any turn has at once. */
const rememberedCalls = 500;

const retryReasons: Record<number, string> = {
  401: 'authentication failed',
  403: 'permission denied',
  429: 'rate limited',
  500: 'internal error',
  529: 'overloaded',
};

/** Turns what the CLI prints into what a person sees in the live feed. */
export class ActivityReader {
  readonly #toolNames = new Map<string, string>();

  read(event: ClaudeEvent): ActivityDraft[] {
    if (event.type === 'assistant') return event.content.flatMap((block) => this.#block(block));
    if (event.type === 'tool_result') return [this.#toolResult(event)];
    if (event.type === 'retry') return [retry(event)];
    return [];
  }

  #block(block: ContentBlock): ActivityDraft[] {
    if (block.type === 'text') return block.text.trim() === '' ? [] : [said('assistant', block.text, block)];
    if (block.type === 'thinking') return [said('reasoning', block.thinking, block)];
    return block.type === 'tool_use' ? [this.#toolUse(block)] : [];
  }

  #toolUse({ id, name, input }: Extract<ContentBlock, { type: 'tool_use' }>): ActivityDraft {
    this.#remember(id, name);
    return {
      event_type: 'tool_use',
      tool_name: name,
      action: describeCall(name, input),
      payload: cutDeep({ id, input }),
    };
  }

  #toolResult({ toolUseId, content, isError }: Extract<ClaudeEvent, { type: 'tool_result' }>): ActivityDraft {
    const tool = this.#toolNames.get(toolUseId);
    this.#toolNames.delete(toolUseId);
    return {
      event_type: 'tool_result',
      ...(tool !== undefined && { tool_name: tool }),
      action: `${tool ?? 'Tool'} ${isError ? 'failed' : 'done'}`,
      payload: cutDeep({ tool_use_id: toolUseId, is_error: isError, content }),
    };
  }

  #remember(id: string, name: string): void {
    this.#toolNames.set(id, name);
    const [oldest] = this.#toolNames.keys();
    if (this.#toolNames.size > rememberedCalls && oldest !== undefined) this.#toolNames.delete(oldest);
  }
}

/** A tool call in one line: `Bash: npm test`. */
export function describeCall(tool: string, input: Record<string, unknown>): string {
  const telling = ['command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'description'];
  const value = telling.map((key) => input[key]).find((candidate) => typeof candidate === 'string');
  return `${tool}: ${oneLine(typeof value === 'string' ? value : JSON.stringify(input))}`;
}

/** A tool call the agent was not allowed to make. */
export function denied(tool: string, input: Record<string, unknown>, reason: string): ActivityDraft {
  return {
    event_type: 'error',
    tool_name: tool,
    action: `Denied ${describeCall(tool, input)} (${oneLine(reason)})`,
    payload: cutDeep({ input, reason }),
  };
}

/** Something about the agent itself that a person should know. */
export function notice(text: string): ActivityDraft {
  return { event_type: 'system', action: text, payload: {} };
}

function said(eventType: 'assistant' | 'reasoning', text: string, block: ContentBlock): ActivityDraft {
  return { event_type: eventType, action: oneLine(text), payload: cutDeep({ message: { content: [block] } }) };
}

function retry(event: Extract<ClaudeEvent, { type: 'retry' }>): ActivityDraft {
  const reason = (event.status !== undefined && retryReasons[event.status]) || event.error.replaceAll('_', ' ');
  const failure =
    event.status === undefined ? 'The connection to Claude failed' : `Claude answered ${event.status} (${reason})`;
  const wait = Math.max(1, Math.round(event.delayMs / 1000));
  return {
    event_type: 'error',
    action: `${failure}; attempt ${event.attempt} of ${event.maxRetries} in ${wait} s`,
    payload: { status: event.status ?? null, error: event.error },
  };
}
