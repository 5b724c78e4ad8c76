import { randomUUID } from 'node:crypto';
import { questionTool } from '@agentcrew/permissions';
import {
  type ApprovalAnswer,
  type ApprovalDecisionPayload,
  type ApprovalScope,
  approvalDecisionId,
} from '@agentcrew/protocol';
import { timerLimited } from '../pause.ts';
import type { Voice } from '../voice.ts';
import { PendingFile } from './pending-file.ts';
import { type Asked, requestPayload, tooLarge } from './request.ts';
import { Waiting } from './waiting.ts';

export interface BrokerOptions {
  stateFolder: string;
  voice: Pick<Voice, 'status' | 'tellStatus' | 'tellApproval'>;
  /** The message whose turn runs. */
  currentMessageId: () => string | undefined;
}

/** How a question to a person ended. Only `allowed` lets the call run; `message` is for Claude. */
export type Outcome =
  | { status: 'allowed'; scope: ApprovalScope; updatedInput?: Record<string, unknown> }
  | { status: 'denied' | 'expired' | 'cancelled'; message: string };

interface Open {
  asked: Asked;
  settle: (outcome: Outcome) => void;
  /** Asks the person, again if need be. */
  request: () => void;
  release: () => void;
}

/** No turn has so many calls at once. */
const mostOpen = 100;
/** Answers that are remembered, so that one that is handed over twice is no stranger. */
const keptAnswers = 200;

/**
 * Asks a person about calls, and brings the answers back to them. Each question ends exactly once: by an answer, by its
 * time, or because nobody waits any more; and its end is told.
 */
export class ApprovalBroker {
  readonly waiting = new Waiting();
  readonly #options: BrokerOptions;
  readonly #pending: PendingFile;
  readonly #open = new Map<string, Open>();
  readonly #answered = new Map<string, ApprovalAnswer['decision']>();
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#pending = new PendingFile(options.stateFolder);
    for (const id of this.#pending.ids()) this.#tell(id, { status: 'cancelled', message: 'The agent was restarted.' });
    const { voice } = options;
    this.waiting.listen((waiting) => {
      if (waiting) voice.tellStatus('waiting_for_approval');
      else if (voice.status === 'waiting_for_approval') voice.tellStatus('working');
    });
  }

  /** Resolves when the question has ended; the signal aborts when the CLI does not want to know any more. */
  async ask(asked: Asked, signal: AbortSignal): Promise<Outcome> {
    // The CLI is on its way out: a denial would be taken for a person's, and the next process asks again.
    if (this.#closed) return new Promise(() => {});
    if (signal.aborted) return { status: 'cancelled', message: 'cancelled' };
    if (tooLarge(asked.input)) return denied('the call is too large to be shown to a person');
    if (this.#open.size >= mostOpen) return denied('too many calls wait for a person already');
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#begin(asked, signal, resolve);
    return promise;
  }

  /** Hands a person's answer to the call that waits for it. `false`: none does. An answer may come twice. */
  answer({ approval_id: id, decision, scope, message, updated_input: updated }: ApprovalAnswer): boolean {
    const open = this.#open.get(id);
    if (!open) return this.#answered.get(id) === decision;
    this.#answered.set(id, decision);
    for (const old of [...this.#answered.keys()].slice(0, -keptAnswers)) this.#answered.delete(old);
    if (decision === 'deny') {
      this.#end(id, denied(message ? `a person said no: ${message}` : 'a person said no'), { message });
      return true;
    }
    // Answers to questions are added to what was asked; otherwise the person's input takes the place of the call's.
    const input = open.asked.tool === questionTool ? { ...open.asked.input, ...updated } : updated;
    this.#end(id, { status: 'allowed', scope, ...(input && { updatedInput: input }) }, { scope, message });
    return true;
  }

  /** Asks again what is open: the stream may have lost it. Who has stored it knows it by its id. */
  repeat(): void {
    for (const { request } of this.#open.values()) request();
  }

  /** The process ends: what is open is cancelled and not answered, for the next process asks again. */
  close(): void {
    this.#closed = true;
    for (const [id, { release }] of this.#open) {
      release();
      this.#tell(id, { status: 'cancelled', message: 'The agent is being stopped.' });
    }
    this.#open.clear();
  }

  #begin(asked: Asked, signal: AbortSignal, settle: Open['settle']): void {
    const id = randomUUID();
    const endUnanswered = (status: 'expired' | 'cancelled', message: string) =>
      this.#end(id, { status, message }, { message });
    const { timeoutSeconds } = asked;
    const expire = () => endUnanswered('expired', `nobody answered within ${timeoutSeconds} s`);
    const timer = setTimeout(expire, timerLimited(timeoutSeconds * 1000));
    const cancel = () => endUnanswered('cancelled', 'Claude does not wait for it any more.');
    signal.addEventListener('abort', cancel, { once: true });
    const release = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    };
    const ref = this.#options.currentMessageId();
    const ids = { message_id: id, ...(ref !== undefined && { ref_message_id: ref }) };
    const payload = requestPayload(id, asked);
    const request = () => void this.#options.voice.tellApproval('approval_request', payload, ids);
    this.#open.set(id, { asked, settle, request, release });
    this.#pending.add(id);
    request();
    this.waiting.set(true);
  }

  /** `told` is what the world gets to know besides the status. */
  #end(id: string, outcome: Outcome, told: Pick<ApprovalDecisionPayload, 'scope' | 'message'>): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    open.release();
    this.#tell(id, { status: outcome.status, ...told });
    this.waiting.set(this.#open.size > 0);
    open.settle(outcome);
  }

  #tell(id: string, end: Omit<ApprovalDecisionPayload, 'approval_id'>): void {
    const ids = { message_id: approvalDecisionId(id), ref_message_id: id };
    const stored = this.#options.voice.tellApproval('approval_decision', { approval_id: id, ...end }, ids);
    void stored.then(() => this.#pending.delete(id));
  }
}

function denied(message: string): Outcome {
  return { status: 'denied', message };
}
