import type { Delivery, TeamBus } from '@agentcrew/nats';
import {
  type AgentSpec,
  agentConsumer,
  type Envelope,
  messageOf,
  type ReplyPayload,
  spentBy,
  subjectFor,
} from '@agentcrew/protocol';
import type { Spending } from '../budget/spending.ts';
import type { Cli } from '../cli.ts';
import type { Ledger } from '../ledger.ts';
import type { Log } from '../log.ts';
import type { Session } from '../session.ts';
import type { Voice } from '../voice.ts';
import type { Answerer, Turn } from './answer.ts';
import { type Input, readInput } from './input.ts';
import { fitting, interrupted } from './reply.ts';
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
  /** Aborts when the process ends. */
  stop: AbortSignal;
  log: Log;
}

/** A delivery that is neither settled nor kept alive for so long is handed out again, in milliseconds. */
const ackWaitMs = 10_000;
const keepAliveMs = 3_000;

/** Takes the agent's messages one at a time, in order, and answers each exactly once. */
export class TurnLoop {
  readonly #options: TurnLoopOptions;
  #turn: Turn | undefined;

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

  /** Ends the running turn, which is then answered as interrupted, by this process or by the next. */
  interrupt(reason?: string): boolean {
    const turn = this.#turn;
    if (!turn) return false;
    turn.record.end = interrupted(reason);
    this.#options.ledger.saveTurn(turn.record);
    turn.end.want(interrupted(reason));
    return true;
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
    const { ledger, log } = this.#options;
    const { envelope: message } = delivery;
    const input = readInput(message);
    if (input.kind === 'foreign') {
      log.warn({ message_id: message.message_id, type: message.type }, 'not a message to work on');
      return delivery.term('not a message to work on');
    }
    const reply = ledger.reply(message.message_id) ?? (await this.#newReply(delivery, input));
    await this.#publish(reply);
    await delivery.ack();
    ledger.clearTurn(message.message_id);
  }

  async #newReply(delivery: Delivery, input: Exclude<Input, { kind: 'foreign' }>): Promise<Envelope> {
    const { voice, bus, ledger, spending, log } = this.#options;
    const { envelope: message } = delivery;
    const payload: ReplyPayload = input.kind === 'work' ? await this.#work(delivery, input.text) : input.reason;
    const reply = fitting(voice.replyTo(message, payload), bus.maxPayload);
    ledger.saveReply(message.message_id, reply);
    spending.add(spentBy(payload.usage, payload.cost_usd));
    const { status, code, duration_ms } = payload;
    log.info({ message_id: message.message_id, status, code, duration_ms }, 'turn ended');
    return reply;
  }

  async #work(delivery: Delivery, text: string): Promise<ReplyPayload> {
    const { answerer, spending, voice } = this.#options;
    const usedUp = spending.problem();
    if (usedUp) return { status: 'failed', code: 'BUDGET_EXCEEDED', error: usedUp };
    const turn = { record: this.#recordFor(delivery), text, end: new TurnEnd() };
    if (turn.record.end) turn.end.want(turn.record.end);
    this.#turn = turn;
    voice.tellStatus('working');
    try {
      return await answerer.answer(turn);
    } finally {
      this.#turn = undefined;
    }
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
