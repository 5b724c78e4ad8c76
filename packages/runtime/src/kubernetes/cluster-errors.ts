import { CrewError, messageOf } from '@agentcrew/protocol';
import { z } from 'zod';

/** What the client throws for an answer that is no success. Its own message quotes the answer with all its headers. */
const answerSchema = z.object({ code: z.int(), body: z.unknown() });
const statusSchema = z.object({ message: z.string() });

const late = 'no answer in time';
/** Codes of the system and of the HTTP client. Bad certificates and wrong arguments have others, and stay. */
const passing = new RegExp(`^(E(?!RR_)[A-Z]+|UND_ERR_[A-Z_]+|${late})$`);

/** The API server's HTTP status for a failed call; `undefined` when it gave no answer. */
export function statusCodeOf(error: unknown): number | undefined {
  return answerSchema.safeParse(error).data?.code;
}

/** The answer, or `undefined` when there is no such object. */
export async function ifPresent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusCodeOf(error) === 404) return undefined;
    throw error;
  }
}

/** What the API server or the way to it says, in words for a person. */
export function wordsOf(error: unknown): string {
  const answer = answerSchema.safeParse(error).data;
  if (!answer) return messageOf(error);
  return statusOf(answer.body) ?? `it answered with status ${answer.code}`;
}

/** Whether a call failed for want of an answer, or of an API server that could give one: the next one may succeed. */
export function isPassing(error: unknown): boolean {
  if (error instanceof CrewError) return false;
  const code = statusCodeOf(error);
  return code === undefined ? passing.test(connectionFailure(error) ?? '') : code === 429 || code >= 500;
}

/** Whatever the API server or the way to it says crosses the package's border as a CrewError. */
export async function clusterErrors<T>(address: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw crewError(address, error);
  }
}

/** The failure of something that `clusterErrors` cannot wrap, a stream. */
export function crewError(address: string, error: unknown): CrewError {
  if (error instanceof CrewError) return error;
  const code = statusCodeOf(error);
  if (code === 401) return failed(`Kubernetes at ${address} does not know this user: check the kubeconfig`, error);
  if (code !== undefined) return failed(`Kubernetes: ${wordsOf(error)}`, error);
  const reason = connectionFailure(error);
  if (reason) return failed(`Kubernetes does not answer at ${address} (${reason})`, error);
  return failed(messageOf(error), error);
}

function failed(text: string, cause: unknown): CrewError {
  return new CrewError('RUNTIME_FAILED', text, { cause });
}

/** The API server describes a failure by an object of the kind Status, which the client gives as text or parsed. */
function statusOf(body: unknown): string | undefined {
  if (typeof body !== 'string') return statusSchema.safeParse(body).data?.message;
  try {
    return statusSchema.safeParse(JSON.parse(body)).data?.message ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300) || undefined;
  }
}

/** Why a connection did not come about, or broke. */
function connectionFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return late;
  for (const part of [error, error.cause]) {
    if (part instanceof Error && 'code' in part && typeof part.code === 'string') return part.code;
  }
  return error.message === 'fetch failed' ? 'the connection failed' : undefined;
}
