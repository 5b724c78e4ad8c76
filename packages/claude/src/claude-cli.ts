import { setTimeout as sleep } from 'node:timers/promises';
import { CrewError } from '@agentcrew/protocol';
import type { ClaudeOptions, ClaudeProcess, TurnResult } from './claude.ts';
import { connectServers } from './connect-servers.ts';
import { ControlRequests } from './control-requests.ts';
import { costIn } from './cost.ts';
import { toEvents } from './events.ts';
import type { launch } from './launch.ts';
import { parseObject, readLines } from './lines.ts';
import { McpMessages } from './mcp-messages.ts';
import { ToolGate } from './tool-gate.ts';
import { toTurnResult } from './turn-result.ts';
import { lineWriter, type WriteLine } from './writer.ts';

/** How long a CLI may take to end by itself once its input is closed. */
const goodbyeMs = 2000;
/** How long output may still come after the end: a process that the CLI left behind may hold the pipes open. */
const drainMs = 1000;
const interruptMs = 10_000;
const costMs = 5_000;
/** Characters of standard error that are kept for the error message. */
const stderrTail = 8192;

type Exit = Awaited<ClaudeProcess['exited']>;

/** One running CLI: what it prints goes to the right place, and its end ends everything that waits for it. */
export class ClaudeCli implements ClaudeProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: Awaited<ReturnType<typeof launch>>;
  readonly #options: ClaudeOptions;
  readonly #write: WriteLine;
  readonly #requests: ControlRequests;
  readonly #gate: ToolGate;
  readonly #mcp: McpMessages;
  #turn: PromiseWithResolvers<TurnResult> | undefined;
  #end: CrewError | undefined;
  #stderr = '';

  constructor(child: Awaited<ReturnType<typeof launch>>, options: ClaudeOptions) {
    this.pid = child.pid;
    this.#child = child;
    this.#options = options;
    this.#write = lineWriter(child.stdin);
    this.#requests = new ControlRequests(this.#write);
    this.#gate = new ToolGate(options.decide, this.#write);
    this.#mcp = new McpMessages(options.toolServer, this.#write);
    this.exited = this.#untilEnd([this.#readOutput(), this.#readErrors()]);
  }

  /** Resolves when the CLI takes messages. */
  async initialize(timeoutMs: number): Promise<void> {
    await this.#requests.send({ subtype: 'initialize' }, timeoutMs);
  }

  /** Has the CLI start and connect its further MCP servers. One that fails, or all, leaves a CLI that works without. */
  async connectMcpServers(): Promise<void> {
    const { mcpServers = [], toolServer, onEvent } = this.#options;
    if (mcpServers.length > 0)
      onEvent({ type: 'mcp', servers: await connectServers(this.#requests, mcpServers, toolServer) });
  }

  async turn(input: { content: string | string[]; uuid: string }): Promise<TurnResult> {
    if (this.#end) throw this.#end;
    if (this.#turn) throw new CrewError('INTERNAL', 'a turn is already running');
    const { content, uuid } = input;
    const blocks = typeof content === 'string' ? content : content.map((text) => ({ type: 'text' as const, text }));
    this.#turn = Promise.withResolvers();
    const message = { role: 'user' as const, content: blocks };
    this.#write({ type: 'user', message, parent_tool_use_id: null, session_id: '', uuid });
    try {
      return await this.#turn.promise;
    } finally {
      this.#turn = undefined;
    }
  }

  async interrupt(): Promise<void> {
    if (this.#turn) await this.#requests.send({ subtype: 'interrupt' }, interruptMs);
  }

  async sessionCost(): Promise<number | undefined> {
    const answer = await this.#requests.send({ subtype: 'get_session_cost' }, costMs);
    return costIn(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // In a turn a closed input would be taken for the failure of the calls in flight, or for the denial of what a person is
    // asked, and the turn would go on with it.
    if (!this.#turn && !this.#gate.waits && (await this.#saysGoodbye())) return;
    // SIGKILL follows by itself (see `launch`).
    this.#child.terminate();
    await this.exited;
  }

  async #saysGoodbye(): Promise<boolean> {
    this.#child.stdin.end();
    const gone = await Promise.race([this.exited, sleep(goodbyeMs, undefined, { ref: false })]);
    return gone !== undefined;
  }

  async #readOutput(): Promise<void> {
    for await (const text of readLines(this.#child.stdout)) {
      const line = parseObject(text);
      if (line) this.#handle(line);
      else if (text.trim() !== '') this.#options.onEvent({ type: 'other', line: { type: 'unreadable', text } });
    }
  }

  #handle(line: Record<string, unknown>): void {
    for (const event of toEvents(line)) this.#options.onEvent(event);
    if (line.type === 'control_request') this.#request(line);
    else if (line.type === 'control_response') this.#requests.settle(line);
    else if (line.type === 'control_cancel_request') this.#gate.cancel(line.request_id);
    else if (line.type === 'result') this.#endTurn(toTurnResult(line));
  }

  #request(line: Record<string, unknown>): void {
    if (!this.#mcp.handle(line)) this.#gate.handle(line);
  }

  #endTurn(result: TurnResult | undefined): void {
    if (!result) return;
    this.#cancelAll();
    this.#turn?.resolve(result);
  }

  #cancelAll(): void {
    this.#gate.cancelAll();
    this.#mcp.cancelAll();
  }

  async #readErrors(): Promise<void> {
    for await (const line of readLines(this.#child.stderr)) {
      this.#stderr = `${this.#stderr}${line}\n`.slice(-stderrTail);
      this.#options.onStderr?.(line);
    }
  }

  async #untilEnd(outputs: Promise<void>[]): Promise<Exit> {
    const exit = await this.#child.exit;
    await Promise.race([Promise.allSettled(outputs), sleep(drainMs)]);
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    this.#end = endError(exit, this.#stderr);
    this.#cancelAll();
    this.#requests.rejectAll(this.#end);
    this.#turn?.reject(this.#end);
    return { ...exit, stderr: this.#stderr };
  }
}

function endError(exit: Omit<Exit, 'stderr'>, stderr: string): CrewError {
  const how = exit.signal ? `signal ${exit.signal}` : `exit code ${exit.exitCode}`;
  const said = stderr.trim().split('\n').at(-1);
  const reason = stderr.includes('No conversation found with session ID') ? 'session_unknown' : 'ended';
  return new CrewError('CLI_FAILED', `The Claude Code CLI ended (${how})${said ? `: ${said}` : '.'}`, {
    details: { reason, ...exit },
  });
}
