import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { latch } from '../latch.ts';
import { messagesRequestSchema, readConversation } from './conversation.ts';
import { sendError } from './errors.ts';
import { composeReply } from './reply.ts';
import { parseScript, type Step } from './script.ts';
import type { RecordedRequest } from './server.ts';
import { type StreamEnd, streamReply } from './sse.ts';

/** Answers `POST /v1/messages`. Its only memory is how often it has failed on purpose already. */
export class Answerer {
  readonly #deltaDelayMs: number;
  readonly #used = new Map<string, number>();
  readonly #holds = new Set<Promise<void>>();

  constructor(deltaDelayMs: number) {
    this.#deltaDelayMs = deltaDelayMs;
  }

  /** Until the release, answers wait. */
  hold(): { release(): void } {
    const { promise, open } = latch();
    this.#holds.add(promise);
    return {
      release: () => {
        this.#holds.delete(promise);
        open();
      },
    };
  }

  async answer(record: RecordedRequest, response: ServerResponse): Promise<void> {
    const request = messagesRequestSchema.parse(record.body);
    const conversation = readConversation(request);
    record.userText = conversation.userText;
    const script = parseScript(conversation.userText);
    const position = Math.min(conversation.step, script.steps.length - 1);
    const step = script.steps[position];
    if (!step) throw new Error('a script has at least one step');

    await Promise.all(this.#holds);
    if (step.delayMs > 0) await sleep(step.delayMs);
    const key = `${record.headers['x-claude-code-session-id']} ${position} ${conversation.userText}`;
    if (step.failStatus && this.#use(`fail ${key}`, step.failTimes)) return sendError(response, step.failStatus);
    const end = this.#use(`drop ${key}`, step.dropTimes) ? 'drop' : step.hang ? 'hang' : 'complete';

    const reply = composeReply(request.model, script, step, conversation);
    if (end === 'hang' && !saysSomethingFirst(script.say, step)) return;
    if (request.stream) return streamReply(response, reply, { deltaDelayMs: this.#deltaDelayMs, end });
    sendWhole(response, reply, end);
  }

  /** Whether something that is to happen `times` times has to happen now. */
  #use(key: string, times: number): boolean {
    const used = this.#used.get(key) ?? 0;
    if (used >= times) return false;
    this.#used.set(key, used + 1);
    return true;
  }
}

/** A hanging step streams its text first, when it has one; otherwise not even the headers come. */
function saysSomethingFirst(say: string | undefined, step: Step): boolean {
  return step.think !== undefined || (step.tools.length === 0 && say !== undefined);
}

function sendWhole(response: ServerResponse, reply: object, end: StreamEnd): void {
  if (end === 'drop') response.destroy();
  else if (end === 'complete') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }
}
