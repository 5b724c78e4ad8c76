import type { Readable } from 'node:stream';
import { Agent, request as httpRequest } from 'undici';
import { type Connector, TargetRefused } from './connector.ts';
import type { Redaction } from './redaction.ts';
import { type OutgoingRequest, redirected } from './redirect.ts';

export interface Answer {
  status: number;
  retryAfter: string | undefined;
  /** Its beginning, without secrets. */
  body: string;
}

const mostRedirects = 3;
const keptBytes = 4_096;

/**
 * Sends a request, follows redirects, and reads the beginning of the answer. Each call has connections of its own: one
 * that is kept open could be closed by the other side just when it is used again. Rejects with the signal's reason when
 * that aborts, with TargetRefused, or with what the connection failed of.
 */
export async function send(
  first: OutgoingRequest,
  { connect, signal, redaction }: { connect: Connector; signal: AbortSignal; redaction: Redaction },
): Promise<Answer> {
  signal.throwIfAborted();
  const agent = new Agent({ connect, pipelining: 0, headersTimeout: 0, bodyTimeout: 0 });
  // The signal alone does not end a request that waits for its connection.
  const end = () => void agent.destroy(asError(signal.reason));
  signal.addEventListener('abort', end, { once: true });
  try {
    return await follow(first, { dispatcher: agent, signal, redaction });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', end);
    await agent.destroy();
  }
}

async function follow(
  first: OutgoingRequest,
  { dispatcher, signal, redaction }: { dispatcher: Agent; signal: AbortSignal; redaction: Redaction },
): Promise<Answer> {
  let next = first;
  for (let hops = 0; ; hops += 1) {
    const { url, method, headers, body } = next;
    const answer = await httpRequest(url, { dispatcher, signal, method, headers, body: body ?? null });
    answer.body.on('error', () => undefined);
    const target = redirected(next, answer.statusCode, single(answer.headers.location));
    if (!target) {
      const retryAfter = single(answer.headers['retry-after']);
      return { status: answer.statusCode, retryAfter, body: await beginning(answer.body, redaction) };
    }
    answer.body.destroy();
    if (hops === mostRedirects) throw new TargetRefused(`more than ${mostRedirects} redirects`);
    next = target;
  }
}

/** What is read stops at the limit, and the rest is not fetched. */
async function beginning(body: Readable, redaction: Redaction): Promise<string> {
  const limit = keptBytes + redaction.margin;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  const bytes = Buffer.concat(chunks).subarray(0, limit);
  const kept = decoded(bytes.subarray(0, keptBytes)).length;
  return redaction.beginning(decoded(bytes), kept).replaceAll('\0', '\ufffd');
}

/** As a stream: a character that a limit cuts in two is left out. */
function decoded(bytes: Buffer): string {
  return new TextDecoder().decode(bytes, { stream: true });
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
