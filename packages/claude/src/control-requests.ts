import { randomUUID } from 'node:crypto';
import { CrewError } from '@agentcrew/protocol';
import { isObject } from './lines.ts';
import type { ControlRequest, WriteLine } from './writer.ts';

/** Our requests to the CLI, and the matching of its answers. */
export class ControlRequests {
  readonly #write: WriteLine;
  readonly #open = new Map<string, { resolve: (answer: unknown) => void; reject: (error: CrewError) => void }>();

  constructor(write: WriteLine) {
    this.#write = write;
  }

  /** Resolves with the CLI's answer when it has done it. Rejects with `CLI_FAILED` when it refuses, ends, or lets the time pass. */
  async send(request: ControlRequest, timeoutMs: number): Promise<unknown> {
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(
      () =>
        reject(
          new CrewError('CLI_FAILED', `The Claude Code CLI did not answer '${request.subtype}' in ${timeoutMs} ms.`),
        ),
      timeoutMs,
    );
    this.#open.set(requestId, { resolve, reject });
    this.#write({ type: 'control_request', request_id: requestId, request });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#open.delete(requestId);
    }
  }

  /** Takes a `control_response` line. */
  settle(line: Record<string, unknown>): void {
    if (!isObject(line.response)) return;
    const { subtype, request_id: requestId, response, error } = line.response;
    const open = this.#open.get(String(requestId));
    if (subtype === 'success') open?.resolve(response);
    else open?.reject(new CrewError('CLI_FAILED', `The Claude Code CLI refused: ${String(error)}`));
  }

  rejectAll(error: CrewError): void {
    for (const { reject } of this.#open.values()) reject(error);
  }
}
