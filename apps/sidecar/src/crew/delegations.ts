import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError, type Envelope, messageOf, replyPayloadSchema } from '@agentcrew/protocol';
import type { Log } from '../log.ts';
import { backOff, pause, timerLimited } from '../pause.ts';
import type { Voice } from '../voice.ts';
import { digestOf, type OpenTask, type OpenTasks } from './open-tasks.ts';
import { refusal } from './refusal.ts';
import { waitsFor } from './wait-for-each-other.ts';

export interface DelegationOptions {
  agent: string;
  bus: () => TeamBus | undefined;
  voice: Voice;
  /** The message in work. */
  current: () => Envelope | undefined;
  tasks: OpenTasks;
  /** Aborts when the process ends: then tasks stay open for the next one. */
  stop: AbortSignal;
  log: Log;
}

export interface TaskRequest {
  type: 'task_assignment' | 'question';
  agent: string;
  content: string;
  expectedOutput?: string | undefined;
  deadlineSeconds: number;
}

const publishPauses = { firstMs: 100, longestMs: 2_000 };
const cancelPauses = { firstMs: 500, longestMs: 5_000 };
const cancelTries = 8;
const cancelAnswerMs = 2_000;

/** Gives tasks to teammates and waits for their answers. */
export class Delegations {
  readonly #options: DelegationOptions;
  /** Tasks that a call of this process waits for, with their agents. */
  readonly #waiting = new Map<string, string>();

  constructor(options: DelegationOptions) {
    this.#options = options;
  }

  /** Teammates whose answers are waited for. */
  get waitingFor(): string[] {
    return [...new Set(this.#waiting.values())];
  }

  /**
   * Resolves with the text of the answer. Rejects with CrewError: `DELEGATION_REFUSED`, `DEADLINE_PASSED`, or the code
   * of the answer when it is a failure; with the signal's reason when nobody waits any more.
   */
  async run(request: TaskRequest, signal: AbortSignal): Promise<string> {
    const { agent, current, stop } = this.#options;
    const message = current();
    const bus = this.#options.bus();
    if (!message || !bus) throw new CrewError('AGENT_NOT_READY', 'no turn is running');
    const chain = [...(message.context?.chain ?? []), agent];
    refuse(refusal(request.agent, chain));
    const task = this.#claim(message.message_id, request);
    this.#waiting.set(task.message_id, request.agent);
    const deadline = AbortSignal.timeout(timerLimited(Math.max(1, Date.parse(task.deadline) - Date.now())));
    try {
      if (task.sequence === undefined && (await waitsFor(bus, request.agent, agent))) {
        refuse(`${request.agent} waits for you at this moment, so both would wait for ever. Go on without it`);
      }
      const answer = await this.#answer(bus, task, request, chain, AbortSignal.any([signal, deadline, stop]));
      this.#options.tasks.remove(task.message_id);
      return textOf(answer);
    } catch (error) {
      // An answer would let the CLI go on with the turn, which is left to the next process.
      if (stop.aborted) await aborted(signal);
      if (error instanceof CrewError) this.#options.tasks.remove(task.message_id);
      if (!deadline.aborted || signal.aborted || stop.aborted) throw error;
      this.#giveUp(task, 'the deadline has passed');
      const what = `${request.agent} did not answer within ${request.deadlineSeconds} s; the task was cancelled`;
      throw new CrewError('DEADLINE_PASSED', what);
    } finally {
      this.#waiting.delete(task.message_id);
    }
  }

  /** The turn of the message is over, and with it the tasks that it still waited for. */
  endTurn(messageId: string): void {
    for (const task of this.#options.tasks.of(messageId)) this.#giveUp(task, 'nobody waits for it any more');
  }

  /** Ends what turns before the one of this message still had open when their process died. */
  endAllBut(messageId: string | undefined): void {
    for (const task of this.#options.tasks.except(messageId)) this.#giveUp(task, 'nobody waits for it any more');
  }

  /** Tells the teammate something that it needs not answer. Resolves when it is stored. */
  async share(to: string, content: string, signal: AbortSignal): Promise<void> {
    const { bus, voice, current } = this.#options;
    const open = bus();
    if (!open) throw new CrewError('NATS_UNAVAILABLE', 'the message bus is not connected');
    const ref = current()?.message_id;
    const envelope = voice.toTeammate('context_share', to, { content }, { ...(ref && { ref_message_id: ref }) });
    await this.#publish(open, to, envelope, signal);
  }

  /** The task that a turn before its interruption by a crash gave, or a new one. */
  #claim(ref: string, request: TaskRequest): OpenTask {
    const { tasks } = this.#options;
    const { type, agent, content, expectedOutput, deadlineSeconds } = request;
    const digest = digestOf({ type, agent, content, expectedOutput });
    const known = tasks
      .of(ref)
      .find(
        (task) =>
          task.digest === digest && !this.#waiting.has(task.message_id) && Date.parse(task.deadline) > Date.now(),
      );
    if (known) return known;
    const deadline = new Date(Date.now() + deadlineSeconds * 1000).toISOString();
    const task = { message_id: randomUUID(), ref, agent, digest, deadline };
    tasks.save(task);
    return task;
  }

  async #answer(
    bus: TeamBus,
    task: OpenTask,
    request: TaskRequest,
    chain: string[],
    signal: AbortSignal,
  ): Promise<Envelope> {
    const { voice, tasks } = this.#options;
    const { content, expectedOutput } = request;
    const payload = { content, ...(expectedOutput && { expected_output: expectedOutput }), deadline: task.deadline };
    const about = { message_id: task.message_id, ref_message_id: task.ref, context: { chain } };
    const envelope = voice.toTeammate(request.type, task.agent, payload, about);
    const sequence = task.sequence ?? (await this.#publish(bus, task.agent, envelope, signal));
    if (task.sequence === undefined) tasks.save({ ...task, sequence });
    return bus.awaitReply(task.agent, task.message_id, sequence, signal);
  }

  /** Tries until it is stored; what NATS will never take is an error at once. */
  async #publish(bus: TeamBus, to: string, envelope: Envelope, signal: AbortSignal): Promise<number> {
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return await bus.publish('agent', to, envelope);
      } catch (error) {
        if (!(error instanceof CrewError) || error.code !== 'NATS_UNAVAILABLE') throw error;
      }
      await pause(backOff(tries, publishPauses), signal);
    }
  }

  #giveUp(task: OpenTask, reason: string): void {
    this.#options.tasks.remove(task.message_id);
    void this.#cancel(task, reason);
  }

  /** Ends the task where it runs. One that is out of reach ends at its deadline. */
  async #cancel({ agent, message_id }: OpenTask, reason: string): Promise<void> {
    const { stop, log } = this.#options;
    for (let tries = 0; tries < cancelTries && !stop.aborted; tries += 1) {
      try {
        await this.#options.bus()?.request(agent, { type: 'interrupt', message_id, reason }, cancelAnswerMs);
        return;
      } catch (error) {
        log.debug({ agent, message_id, error: messageOf(error) }, 'task not cancelled yet');
      }
      await pause(backOff(tries, cancelPauses), stop);
    }
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw new CrewError('DELEGATION_REFUSED', reason);
}

function textOf({ payload, from }: Envelope): string {
  const reply = replyPayloadSchema.parse(payload);
  if (reply.status === 'completed') return reply.result ?? '';
  const how = reply.status === 'interrupted' ? 'was interrupted' : 'failed';
  throw new CrewError('TURN_FAILED', `${from} ${how} (${reply.code ?? 'no reason'}): ${reply.error ?? ''}`);
}
