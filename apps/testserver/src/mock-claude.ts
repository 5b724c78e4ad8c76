import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClaudeOptions, ClaudeProcess, ContentBlock, McpResult, TurnResult } from '@agentcrew/claude';
import { CrewError, messageOf } from '@agentcrew/protocol';
import { parseScript, type Step } from '@agentcrew/testkit';

/** What one answer of the model is said to use. */
const usage = { input_tokens: 100, output_tokens: 42, cache_creation_input_tokens: 20, cache_read_input_tokens: 30 };
const costUsd = 0.001;
/** So long the model takes for an answer, for whoever looks on to see the agent at work, in milliseconds. */
const thinkMs = 1_000;
const crewPrefix = 'mcp__crew__';

/** MCP servers and skills with such names fail, for whoever wants to see that. */
export function isToFail(name: string): boolean {
  return name.startsWith('fail');
}

/** Claude in the words of the Messages API's errors. */
class ApiError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`API Error: ${status}`);
    this.status = status;
  }
}

/**
 * A Claude Code that does what the directive lines of a message tell it to (see `parseScript`), and answers
 * `You said: …` to all else. Every call passes the gate; what is allowed then is only said to be done, but for files that
 * are written and for what the agents of a team tell each other.
 */
export class MockClaude implements ClaudeProcess {
  readonly pid = process.pid;
  readonly exited: ClaudeProcess['exited'];
  readonly #options: ClaudeOptions;
  readonly #ended = new AbortController();
  #turn = new AbortController();
  #cost = 0;

  constructor(options: ClaudeOptions) {
    this.#options = options;
    this.exited = once(this.#ended.signal, 'abort').then(() => ({ exitCode: 0, stderr: '' }));
    options.onEvent({ type: 'mcp', servers: this.#mcpServers() });
  }

  async turn({ content }: { content: string | string[] }): Promise<TurnResult> {
    const began = performance.now();
    this.#turn = new AbortController();
    const { sessionId, tools, onEvent } = this.#options;
    onEvent({ type: 'init', model: 'mock', sessionId, tools, mcpServers: this.#mcpServers() });
    const end = await this.#play(typeof content === 'string' ? content : (content.at(-1) ?? '')).catch(this.#endBy);
    this.#cost += costUsd;
    onEvent({ type: 'other', line: { type: 'result', modelUsage: { mock: { contextWindow: 200_000 } } } });
    return { ...end, usage, costUsd, durationMs: Math.round(performance.now() - began), sessionId };
  }

  async interrupt(): Promise<void> {
    this.#turn.abort();
  }

  async sessionCost(): Promise<number> {
    return this.#cost;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#turn.abort();
  }

  readonly #endBy = (error: unknown): Pick<TurnResult, 'outcome' | 'text' | 'apiStatus'> => {
    if (this.#ended.signal.aborted) throw new CrewError('CLI_FAILED', 'Claude Code was ended');
    if (this.#turn.signal.aborted) return { outcome: 'interrupted', text: '' };
    const text = messageOf(error);
    return { outcome: 'failed', text, ...(error instanceof ApiError && { apiStatus: error.status }) };
  };

  async #play(text: string): Promise<Pick<TurnResult, 'outcome' | 'text'>> {
    const { steps, say } = parseScript(text);
    let results: string[] = [];
    for (const step of steps) {
      await this.#answer(step);
      if (step.tools.length > 0) results = await Promise.all(step.tools.map((call) => this.#call(call)));
    }
    const answer = say ?? (steps.length === 1 ? `You said: ${text}` : `Done. ${results.join('\n')}`);
    this.#tell({ type: 'text', text: answer });
    return { outcome: 'completed', text: answer };
  }

  async #answer({ delayMs, failStatus, hang, think }: Step): Promise<void> {
    const { signal } = this.#turn;
    await delay(delayMs || thinkMs, undefined, { signal });
    if (failStatus !== undefined) throw new ApiError(failStatus);
    if (think !== undefined) this.#tell({ type: 'thinking', thinking: think });
    if (hang) await once(signal, 'abort');
    signal.throwIfAborted();
  }

  async #call({ name, input }: Step['tools'][number]): Promise<string> {
    const { decide, onEvent } = this.#options;
    const { signal } = this.#turn;
    const id = `toolu_${randomUUID().replaceAll('-', '')}`;
    const given = input as Record<string, unknown>;
    this.#tell({ type: 'tool_use', id, name, input: given });
    const decision = await decide({ requestId: id, tool: name, input: given }, signal);
    signal.throwIfAborted();
    const { text, isError = false } =
      decision.behavior === 'deny'
        ? { text: decision.message, isError: true }
        : await this.#run(name, decision.updatedInput ?? given);
    onEvent({ type: 'tool_result', toolUseId: id, content: text, isError });
    return text;
  }

  async #run(tool: string, input: Record<string, unknown>): Promise<McpResult> {
    const { cwd, toolServer } = this.#options;
    if (tool.startsWith(crewPrefix) && toolServer) {
      return toolServer.call(tool.slice(crewPrefix.length), input, this.#turn.signal);
    }
    if (tool === 'AskUserQuestion') return { text: JSON.stringify(input.answers ?? {}) };
    if (tool !== 'Write') return { text: `(The test server runs no tools: ${tool} was only allowed.)` };
    const file = resolve(cwd, String(input.file_path));
    // Whoever calls the test server, a page in a browser perhaps, also says what its agents may do.
    if (!file.startsWith(cwd + sep)) return { text: `The test server writes to ${cwd} only.`, isError: true };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, String(input.content ?? ''));
    return { text: `File created: ${file}` };
  }

  #tell(block: ContentBlock): void {
    this.#options.onEvent({ type: 'assistant', message: { usage }, content: [block] });
  }

  #mcpServers() {
    return (this.#options.mcpServers ?? []).map(({ name }) =>
      isToFail(name)
        ? { name, status: 'failed', error: 'the test server lets it fail' }
        : { name, status: 'connected' },
    );
  }
}
