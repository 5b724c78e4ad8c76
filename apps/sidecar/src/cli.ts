import type { ClaudeProcess } from '@agentcrew/claude';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { Log } from './log.ts';
import { backOff, timerLimited } from './pause.ts';

export type CliState = 'starting' | 'running' | 'parked' | 'down';

export interface CliOptions {
  /** Rejects when the CLI cannot be run on this machine. */
  check: () => Promise<unknown>;
  /** Starts a CLI in the agent's session, after making sure that nothing of an earlier one is left. */
  start: () => Promise<ClaudeProcess>;
  /** An idle CLI is ended after this time, in milliseconds. */
  idleParkMs: number;
  onState: (state: CliState) => void;
  log: Log;
}

const restartPauses = { firstMs: 1_000, longestMs: 30_000 };
/** A CLI that lived so long did not die of its start, in milliseconds. */
const healthyAfterMs = 60_000;

/**
 * Keeps the agent's one CLI warm: starts it, starts it again when it died, ends it when there is nothing to do for
 * long. Nobody else holds on to a process: between two turns it may be another one.
 */
export class Cli {
  readonly #options: CliOptions;
  #state: CliState = 'down';
  #process: ClaudeProcess | undefined;
  #starting: Promise<ClaudeProcess> | undefined;
  /** The end of the CLI before: two in one session would spoil its transcript. */
  #ending: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #inUse = false;
  /** What a CLI is started with has changed since this one was. */
  #outdated = false;
  #closed = false;
  #failures = 0;
  #problem: string | undefined;

  constructor(options: CliOptions) {
    this.#options = options;
  }

  /** Runs, or can be started by the next message. */
  get ready(): boolean {
    return this.#state === 'running' || this.#state === 'parked';
  }

  /** Why it is not ready, in words for a person, when that is known. */
  get problem(): string | undefined {
    return this.ready ? undefined : this.#problem;
  }

  /** Makes sure that a CLI can be started, without starting one; tries again when that fails. */
  prepare(): void {
    if (this.#closed || this.#state !== 'down') return;
    this.#options.check().then(
      () => {
        if (this.#state === 'down' && !this.#closed) this.#change('parked');
      },
      (error: unknown) => {
        this.#fail(messageOf(error));
        this.#later(() => this.prepare());
      },
    );
  }

  /** Starts the CLI ahead of the first message, and tries again when that fails. */
  warmUp(): void {
    if (this.#inUse || this.#closed) return;
    this.#running().then(
      () => this.#parkLater(),
      () => this.#restartLater(),
    );
  }

  /** The running CLI for one message, until `release`. Throws CrewError when it cannot be started. */
  async acquire(): Promise<ClaudeProcess> {
    this.#inUse = true;
    clearTimeout(this.#timer);
    return this.#running();
  }

  /** The message is done. */
  release(): void {
    if (!this.#inUse) return;
    this.#inUse = false;
    this.#failures = 0;
    if (this.#outdated) this.#replace();
    else if (this.#process) this.#parkLater();
    else this.#restartLater();
  }

  /** What a CLI is started with has changed: the next message gets one that knows it. A running turn goes on as it is. */
  refresh(): void {
    if (!this.#process && !this.#starting) return;
    this.#outdated = true;
    if (!this.#inUse) this.#replace();
  }

  /** Ends a CLI that is not needed for a while; the next message starts another one. */
  async park(): Promise<void> {
    await this.#end('parked');
  }

  /** Ends a CLI that does not do what it is told. */
  async discard(): Promise<void> {
    await this.#end('down');
  }

  /** Ends the CLI for good. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#end('down');
    // A CLI on its way up is ended as soon as it is there.
    await this.#starting?.catch(() => {});
    await this.#ending;
  }

  async #running(): Promise<ClaudeProcess> {
    for (;;) {
      await this.#ending;
      this.#starting ??= this.#process ? undefined : this.#startOnce();
      const claude = this.#process ?? (await this.#starting);
      if (claude && !this.#outdated) return claude;
      await this.#end('parked');
    }
  }

  #startOnce(): Promise<ClaudeProcess> {
    this.#outdated = false;
    return this.#start().finally(() => {
      this.#starting = undefined;
    });
  }

  /** A message that comes meanwhile waits for the new one. */
  #replace(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.warmUp();
  }

  async #start(): Promise<ClaudeProcess> {
    const { start, log } = this.#options;
    this.#refuseWhenClosed();
    this.#change('starting');
    try {
      const began = performance.now();
      const claude = await start();
      this.#process = claude;
      if (this.#closed) await this.#end('down');
      this.#refuseWhenClosed();
      this.#change('running');
      log.info({ pid: claude.pid, duration_ms: Math.round(performance.now() - began) }, 'Claude Code started');
      void claude.exited.then((exit) => this.#exited(claude, exit, began));
      return claude;
    } catch (error) {
      this.#change('down');
      if (!this.#closed) this.#fail(messageOf(error));
      throw error;
    }
  }

  #fail(problem: string): void {
    this.#problem = problem;
    this.#options.log.error({ error: problem }, 'Claude Code could not be started');
  }

  #exited(claude: ClaudeProcess, exit: Awaited<ClaudeProcess['exited']>, began: number): void {
    if (this.#process !== claude) return;
    this.#process = undefined;
    this.#change('down');
    const { exitCode, signal, stderr } = exit;
    this.#problem = `Claude Code ended (${signal ?? `exit code ${exitCode}`})`;
    this.#options.log.warn(
      { pid: claude.pid, exit_code: exitCode, signal, stderr: stderr.slice(-500) },
      'Claude Code died',
    );
    if (performance.now() - began > healthyAfterMs) this.#failures = 0;
    if (!this.#inUse) this.#restartLater();
  }

  #change(state: CliState): void {
    this.#state = state;
    this.#options.onState(state);
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new CrewError('SHUTTING_DOWN', 'The agent is shutting down');
  }

  #parkLater(): void {
    if (this.#inUse || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#park(), timerLimited(this.#options.idleParkMs));
  }

  #park(): void {
    if (!this.#process) return;
    this.#options.log.info({ pid: this.#process.pid }, 'Claude Code parked');
    void this.#end('parked');
  }

  #restartLater(): void {
    this.#later(() => this.warmUp());
  }

  /** The next try, after a pause that grows from failure to failure. */
  #later(attempt: () => void): void {
    if (this.#inUse || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(attempt, backOff(this.#failures++, restartPauses));
  }

  #end(state: 'parked' | 'down'): Promise<void> {
    const claude = this.#process;
    this.#process = undefined;
    this.#change(state);
    if (claude) {
      this.#ending = claude[Symbol.asyncDispose]().catch((error: unknown) => {
        this.#options.log.warn({ pid: claude.pid, error: messageOf(error) }, 'Claude Code did not end well');
      });
    }
    return this.#ending;
  }
}
