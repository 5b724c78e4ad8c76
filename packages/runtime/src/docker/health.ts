import { setTimeout as sleep } from 'node:timers/promises';
import { agentMarkerVariable, messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { notReady, type Readiness, waitUntilReady } from '../shared/readiness.ts';
import { healthPort } from './agent-container.ts';
import { inspectContainer } from './containers.ts';
import type { Engine } from './engine.ts';
import { logEntries } from './log-frames.ts';

const answerMs = 5_000;
/** What the engine may take to run a command. */
const commandMs = 20_000;
/** So long may a container be silent on the network until it is asked from inside. */
const silentMs = 15_000;
/** Where containers cannot be reached from here, that is how it is for a while. */
const unreachableMs = 60_000;
/** Between two commands in a container. */
const insidePauseMs = 200;
const maxOutput = 300;

/** Prints `{"status", "body"}` of one answer; runs in the container as `node -e SCRIPT URL`. */
const script = `
const tell = (status, body) => process.stdout.write(JSON.stringify({ status, body }), () => process.exit(0));
require('node:http').get(process.argv[1], { agent: false, timeout: ${answerMs} }, (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (chunk) => { body += chunk; });
  response.on('end', () => tell(response.statusCode, body));
}).on('error', () => tell(0, '')).on('timeout', () => tell(0, ''));
`;
const outputSchema = z.object({ status: z.int(), body: z.string() });

/** `refused` tells that the container's host is there, and the sidecar does not listen yet. */
type Answer = { status: number; body: string } | 'refused' | 'unreachable';

/** Asks the sidecars in containers how they are. */
export interface Health {
  /**
   * Asks until the sidecar is ready, its container ends, `timeoutMs` are over or the signal aborts; `dead` tells that
   * the container has ended.
   */
  untilReady(
    container: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Readiness | { ready: false; dead: true }>;
  /** Whether the sidecar has its spec. */
  hasSpec(container: string): Promise<boolean>;
}

export function healthOf(engine: Engine): Health {
  let insideUntil = 0;

  /** Asks over the network, which costs nothing; where that leads nowhere (Docker Desktop), inside the container. */
  function asker(container: string, path: string, signal: AbortSignal): () => Promise<Readiness> {
    let address: string | undefined;
    let patientUntil = Date.now() + silentMs;

    async function outside(): Promise<Answer> {
      if (Date.now() < insideUntil) return 'unreachable';
      address ??= await addressOf(engine, container);
      return address ? await askOutside(`http://${address}:${healthPort}${path}`, signal) : 'unreachable';
    }

    return async () => {
      const answer = await outside();
      if (typeof answer === 'object') return readinessOf(answer);
      if (answer === 'refused' && Date.now() < patientUntil) return silent;
      const inside = await askInside(engine, container, path, signal);
      if (typeof inside !== 'object') return { ready: false, reason: inside };
      if (answer === 'unreachable' && inside.status !== 0) insideUntil = Date.now() + unreachableMs;
      patientUntil = Date.now() + silentMs;
      if (inside.status !== 200) await sleep(insidePauseMs, undefined, { signal }).catch(() => undefined);
      return readinessOf(inside);
    };
  }

  return {
    async untilReady(container, timeoutMs, signal) {
      const end = watchEnd(engine, container);
      const ask = asker(container, '/readyz', AbortSignal.any([signal, end.signal]));
      try {
        return await waitUntilReady(ask, async () => end.signal.aborted, timeoutMs, signal);
      } finally {
        end[Symbol.dispose]();
      }
    },

    async hasSpec(container) {
      const ask = asker(container, '/healthz', AbortSignal.timeout(commandMs));
      return (await ask()).ready;
    },
  };
}

const silent = { ready: false, reason: 'its health endpoint does not answer' } as const;

function readinessOf({ status, body }: { status: number; body: string }): Readiness {
  if (status === 200) return { ready: true };
  return status === 0 ? silent : { ready: false, reason: notReady(body) };
}

/** Tells when a container has ended. */
function watchEnd(engine: Engine, container: string): Disposable & { signal: AbortSignal } {
  const ended = new AbortController();
  const stop = new AbortController();
  const end = () => ended.abort();
  engine.streams.getContainer(container).wait({ abortSignal: stop.signal }).then(end, end);
  return { signal: ended.signal, [Symbol.dispose]: () => stop.abort() };
}

async function addressOf(engine: Engine, container: string): Promise<string | undefined> {
  const details = await inspectContainer(engine, container);
  return Object.values(details?.NetworkSettings.Networks ?? {}).find(({ IPAddress }) => IPAddress)?.IPAddress;
}

async function askOutside(url: string, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    return code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
  }
}

/** @returns words for a person when the command gives no answer */
async function askInside(
  engine: Engine,
  container: string,
  path: string,
  signal: AbortSignal,
): Promise<z.infer<typeof outputSchema> | string> {
  const command = ['node', '-e', script, `http://127.0.0.1:${healthPort}${path}`];
  try {
    const output = await run(engine, container, command, AbortSignal.any([signal, AbortSignal.timeout(commandMs)]));
    return parse(output) ?? (output.trim().slice(-maxOutput) || silent.reason);
  } catch (error) {
    return messageOf(error);
  }
}

function parse(output: string): z.infer<typeof outputSchema> | undefined {
  try {
    return outputSchema.parse(JSON.parse(output));
  } catch {
    return undefined;
  }
}

/** Output of a command in a container. The marker is taken off it: a sidecar ends marked processes it does not know. */
async function run(engine: Engine, container: string, command: string[], signal: AbortSignal): Promise<string> {
  const exec = await engine.streams.getContainer(container).exec({
    Cmd: command,
    Env: [`${agentMarkerVariable}=`],
    AttachStdout: true,
    AttachStderr: true,
    abortSignal: signal,
  });
  const stream = await exec.start({ abortSignal: signal });
  const entries = await Array.fromAsync(logEntries(stream));
  return entries.map(({ text }) => text).join('');
}
