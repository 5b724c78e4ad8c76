import { randomUUID } from 'node:crypto';
import type { TurnResult } from '@agentcrew/claude';
import { type AgentLimits, messageOf, type ReplyPayload } from '@agentcrew/protocol';
import type { Waiting } from '../approvals/waiting.ts';
import type { TurnBudget } from '../budget/turn-budget.ts';
import { TurnCost } from '../budget/turn-cost.ts';
import type { Cli } from '../cli.ts';
import type { CliEvents } from '../cli-events.ts';
import type { Ledger, TurnRecord } from '../ledger.ts';
import type { Log } from '../log.ts';
import { backOff, pause } from '../pause.ts';
import type { Session } from '../session.ts';
import { tooManyAttempts } from './failures.ts';
import { RateLimit } from './rate-limit.ts';
import { completed, replyOf } from './reply.ts';
import { type Past, turnContent } from './resume.ts';
import { runTurn } from './run-turn.ts';
import type { TurnEnd } from './turn-end.ts';

export interface AnswererOptions {
  cli: Cli;
  events: CliEvents;
  waiting: Waiting;
  ledger: Ledger;
  session: Session;
  limits: AgentLimits;
  budget: TurnBudget;
  /** Claude's limit for the account is reached, and the agent waits until then (RFC 3339); `undefined`: it goes on. */
  onRateLimit: (until: string | undefined) => void;
  /** What the transcript of a session tells of a user message. */
  readPast: (sessionId: string, uuid: string) => Promise<Past>;
  /** Aborts when the process ends; then a turn is left as it is, for the next process. */
  stop: AbortSignal;
  log: Log;
}

/** One message in work. */
export interface Turn {
  record: TurnRecord;
  text: string;
  /** What belongs to the text and is told before it. */
  note?: string | undefined;
  /** What is to be told before both, asked for when Claude gets it. */
  context?: () => string | undefined;
  end: TurnEnd;
}

const retryPauses = { firstMs: 200, longestMs: 10_000 };

/** Brings a message to its reply, over as many CLI processes as it takes. */
export class Answerer {
  readonly #options: AnswererOptions;
  readonly #rateLimit = new RateLimit();

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** Rejects only when the process ends. */
  async answer(turn: Turn): Promise<ReplyPayload> {
    const dropped = new TurnCost();
    return dropped.in(await this.#untilAnswered(turn, dropped));
  }

  async #untilAnswered(turn: Turn, dropped: TurnCost): Promise<ReplyPayload> {
    const { stop, limits, log } = this.#options;
    const { record, end } = turn;
    let lastError = '';
    for (let tries = 0; ; tries += 1) {
      stop.throwIfAborted();
      if (end.reason) return end.reason;
      const past = await this.#past(record);
      if (past.answer !== undefined) return { ...completed(past.answer), session_id: record.session_id };
      if (record.attempt >= limits.max_attempts) return tooManyAttempts(record.attempt, lastError);
      record.attempt += 1;
      try {
        const reply = await this.#attempt(turn, past, dropped);
        const waitMs = reply.code === 'RATE_LIMITED' ? this.#rateLimit.waitMs() : undefined;
        if (waitMs === undefined) return reply;
        dropped.add(reply);
        await this.#waitOut(turn, waitMs);
      } catch (error) {
        stop.throwIfAborted();
        lastError = messageOf(error);
        log.warn({ ...idsOf(record), error: lastError }, 'turn cut off');
        await Promise.race([end.wanted, pause(backOff(tries, retryPauses), stop)]);
      }
    }
  }

  async #attempt(turn: Turn, past: Past, dropped: TurnCost): Promise<ReplyPayload> {
    const { record, text, note, context, end } = turn;
    const { cli, events, waiting, limits, budget, log } = this.#options;
    const claude = await cli.acquire();
    if (end.reason) return end.reason;
    const recorded = past.recorded && this.#isCurrent(record);
    const uuid = this.#note(record);
    log.info({ ...idsOf(record), resumed: recorded, pid: claude.pid }, 'turn started');
    const content = turnContent({ text, note }, { recorded }, context);
    const listening = events.listen((event) => {
      budget.see(event);
      this.#rateLimit.see(event);
    });
    await budget.begin(claude, end, dropped.spent);
    let result: TurnResult | undefined;
    try {
      result = await runTurn({ claude, content, uuid, end, limits, events, waiting });
    } finally {
      listening[Symbol.dispose]();
      const cost = budget.finish();
      if (result === undefined) dropped.add(cost);
    }
    if (result === undefined) await cli.discard();
    const reply = result === undefined ? end.reason : replyOf(result, end.reason);
    if (reply === undefined) throw new Error('a turn without result has a reason to end');
    return reply;
  }

  /** Parks until Claude takes messages again; then the turn goes on where it was. The wait is no failed attempt. */
  async #waitOut({ record, end }: Turn, waitMs: number): Promise<void> {
    const { cli, stop, onRateLimit, log } = this.#options;
    record.attempt -= 1;
    log.warn({ ...idsOf(record), until: this.#rateLimit.resetsAt }, "Claude's limit is reached, the agent waits");
    onRateLimit(this.#rateLimit.resetsAt);
    await cli.park();
    await Promise.race([end.wanted, pause(waitMs, stop)]);
    onRateLimit(undefined);
  }

  /** Writes down, before Claude gets the message, under which id it gets it. */
  #note(record: TurnRecord): string {
    const { ledger, session } = this.#options;
    const uuid = randomUUID();
    if (!this.#isCurrent(record)) record.uuids = [];
    record.session_id = session.id;
    record.uuids.push(uuid);
    ledger.saveTurn(record);
    return uuid;
  }

  /** The latest that Claude has recorded of the message. */
  async #past(record: TurnRecord): Promise<Past> {
    for (const uuid of record.uuids.toReversed()) {
      const past = await this.#options.readPast(record.session_id, uuid);
      if (past.recorded) return past;
    }
    return { recorded: false };
  }

  /** Whether the session that knows of the message still goes on. */
  #isCurrent(record: TurnRecord): boolean {
    return record.session_id === this.#options.session.id;
  }
}

function idsOf({ message_id, attempt, session_id }: TurnRecord) {
  return { message_id, attempt, session_id };
}
