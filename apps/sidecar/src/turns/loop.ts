import type { Delivery, TeamBus } from '@agentcrew/nats';
import {
  type AgentSpec,
  agentConsumer,
  contextPayloadSchema,
  type Envelope,
  messageOf,
  type ReplyPayload,
  spentBy,
  subjectFor,
} from '@agentcrew/protocol';
import type { Spending } from '../budget/spending.ts';
import type { Cli } from '../cli.ts';
import type { SharedContext } from '../crew/shared-context.ts';
import type { Ledger } from '../ledger.ts';
import type { Log } from '../log.ts';
import { timerLimited } from '../pause.ts';
import type { Session } from '../session.ts';
import type { Voice } from '../voice.ts';
import type { Answerer, Turn } from './answer.ts';
import { deadlineOf, type Input, readInput } from './input.ts';
import { deadlinePassed, fitting, interrupted } from './reply.ts';
import { TurnEnd } from './turn-end.ts';

export interface TurnLoopOptions {
  spec: AgentSpec;
  bus: TeamBus;
  cli: Cli;
  session: Session;
  ledger: Ledger;
  answerer: Answerer;
  spending: Spending;
  voice: Voice;
  /** What teammates share. */
  contexts: SharedContext;
  /** A message has its reply, whether or not there was a turn. */
  onTurnEnd?: (messageId: string) => void;
  /** Aborts when the process ends. */
  stop: AbortSignal;
  log: Log;
}

/** A delivery that is neither settled nor kept alive for so long is handed out again, in milliseconds. */
const ackWaitMs = 10_000;
const keepAliveMs = 3_000;
/** Messages not in work yet that are not wanted any more. */
const rememberedRefusals = 1_000;

/** Takes the agent's messages one at a time, in order, and answers each exactly once. */
export class TurnLoop {
  readonly #options: TurnLoopOptions;
  #turn: Turn | undefined;
  #message: Envelope | undefined;
  readonly #unwanted = new Map<string, string | undefined>();

  constructor(options: TurnLoopOptions) {
    this.#options = options;
  }

  /** The message in work. */
  get currentMessageId(): string | undefined {
    return this.#turn?.record.message_id;
  }

  /** When its turn began, in whichever process. */
  get turnStartedAt(): string | undefined {
    return this.#turn?.record.started_at;
  }

  /** The message in work. */
  get currentMessage(): Envelope | undefined {
    return this.#message;
  }

  /** Resolves when the signal has aborted and the running turn is done. */
  async run(intake: AbortSignal): Promise<void> {
    const { bus, spec, ledger, log } = this.#options;
    const left = ledger.turn();
    if (left) {
      log.info({ message_id: left.message_id, attempt: left.attempt }, 'an interrupted turn was found');
      await bus.redeliver(left.ack_subject).catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'the interrupted message comes again later');
      });
    }
    const durable = agentConsumer(spec.agent);
    const filterSubject = subjectFor(spec.team, 'agent', spec.agent);
    await bus.consume(
      { durable, filterSubject, maxAckPending: 1, ackWaitMs },
      (delivery) => this.#handle(delivery, intake),
      intake,
    );
  }

  /**
   * Ends the running turn, which is then answered as interrupted, by this process or by the next. With a message's id
   * only the turn of that message; one that is not in work is remembered, and not begun when it comes.
   */
  interrupt(reason?: string, messageId?: string): boolean {
    const turn = this.#turn;
    if (messageId !== undefined && turn?.record.message_id !== messageId) {
      this.#refuseLater(messageId, reason);
      return false;
    }
    if (!turn) return false;
    turn.record.end = interrupted(reason);
    this.#options.ledger.saveTurn(turn.record);
    turn.end.want(interrupted(reason));
    return true;
  }

  #refuseLater(messageId: string, reason: string | undefined): void {
    this.#unwanted.set(messageId, reason);
    const [oldest] = this.#unwanted.keys();
    if (this.#unwanted.size > rememberedRefusals && oldest !== undefined) this.#unwanted.delete(oldest);
  }

  async #handle(delivery: Delivery, intake: AbortSignal): Promise<void> {
    if (intake.aborted) return;
    const alive = setInterval(() => delivery.working(), keepAliveMs);
    try {
      await this.#settle(delivery);
    } catch (error) {
      // The next process gets the message again.
      if (!this.#options.stop.aborted) throw error;
    } finally {
      clearInterval(alive);
      this.#rest();
    }
  }

  #rest(): void {
    const { cli, voice } = this.#options;
    cli.release();
    if (voice.status === 'working') voice.tellStatus('idle');
  }

  async #settle(delivery: Delivery): Promise<void> {
    const { ledger, log, onTurnEnd } = this.#options;
    const { envelope: message } = delivery;
    if (message.type === 'context_share') return this.#keepContext(delivery);
    const input = readInput(message);
    if (input.kind === 'foreign') {
      log.warn({ message_id: message.message_id, type: message.type }, 'not a message to work on');
      return delivery.term('not a message to work on');
    }
    const reply = ledger.reply(message.message_id) ?? (await this.#newReply(delivery, input));
    // Also where there was no turn any more: the process before may have left tasks of it open.
    onTurnEnd?.(message.message_id);
    await this.#publish(reply);
    await delivery.ack();
    ledger.clearTurn(message.message_id);
  }

  /** Costs no turn: it is told before the next one. */
  async #keepContext(delivery: Delivery): Promise<void> {
    const { content } = contextPayloadSchema.safeParse(delivery.envelope.payload).data ?? {};
    if (content !== undefined) this.#options.contexts.add(delivery.envelope, content);
    await delivery.ack();
  }

  async #newReply(delivery: Delivery, input: Exclude<Input, { kind: 'foreign' }>): Promise<Envelope> {
    const { voice, bus, ledger, spending, log } = this.#options;
    const { envelope: message } = delivery;
    const payload: ReplyPayload = input.kind === 'work' ? await this.#work(delivery, input) : input.reason;
    const reply = fitting(voice.replyTo(message, payload), bus.maxPayload);
    ledger.saveReply(message.message_id, reply);
    spending.add(spentBy(payload.usage, payload.cost_usd));
    const { status, code, duration_ms } = payload;
    log.info({ message_id: message.message_id, status, code, duration_ms }, 'turn ended');
    return reply;
  }

  async #work(delivery: Delivery, { text, note }: Pick<Turn, 'text' | 'note'>): Promise<ReplyPayload> {
    const { answerer, spending, voice, contexts } = this.#options;
    const usedUp = spending.problem();
    if (usedUp) return { status: 'failed', code: 'BUDGET_EXCEEDED', error: usedUp };
    const { envelope: message } = delivery;
    const context = () => contexts.before(message.message_id);
    const turn = { record: this.#recordFor(delivery), text, note, context, end: new TurnEnd() };
    if (turn.record.end) turn.end.want(turn.record.end);
    if (this.#unwanted.has(message.message_id)) turn.end.want(interrupted(this.#unwanted.get(message.message_id)));
    this.#turn = turn;
    this.#message = message;
    const deadline = this.#endAtDeadline(message, turn.end);
    voice.tellStatus('working');
    try {
      return await answerer.answer(turn);
    } finally {
      clearTimeout(deadline);
      this.#turn = undefined;
      this.#message = undefined;
    }
  }

  #endAtDeadline(message: Envelope, end: TurnEnd): NodeJS.Timeout | undefined {
    const deadline = deadlineOf(message);
    if (deadline === undefined) return undefined;
    return setTimeout(() => end.want(deadlinePassed()), timerLimited(Math.max(0, deadline - Date.now())));
  }

  #recordFor({ envelope, ackSubject }: Delivery): Turn['record'] {
    const { ledger, session } = this.#options;
    const known = ledger.turn();
    if (known?.message_id === envelope.message_id) return { ...known, ack_subject: ackSubject };
    return {
      message_id: envelope.message_id,
      uuids: [],
      session_id: session.id,
      attempt: 0,
      ack_subject: ackSubject,
      started_at: new Date().toISOString(),
    };
  }

  /** Resolves when the reply is stored; rejects when the process ends before. */
  async #publish(reply: Envelope): Promise<void> {
    const { voice, stop } = this.#options;
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onStop = () => reject(stop.reason);
    stop.addEventListener('abort', onStop, { once: true });
    try {
      stop.throwIfAborted();
      await Promise.race([voice.answer(reply), stopped]);
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }
}
