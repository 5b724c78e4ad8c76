import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@agentcrew/testkit';

const main = fileURLToPath(new URL('../../apps/api/src/main.ts', import.meta.url));
/** The server promises to end within 10 s. */
const endMs = 12_000;
const stopMs = 30_000;
/** Of what the server logged, for the error message. */
const logTail = 2_000;

/** Any key will do for the scripted model. */
export const apiKey = 'for-the-scripted-model';

export interface ServerOptions {
  dataDir: string;
  /** What the server is told besides its folder and its port. */
  env: Record<string, string>;
  /** Ends what a server that was killed has left running. */
  endLeftovers: () => Promise<void>;
  /** Ends every wait. */
  signal: AbortSignal;
}

/** The real server as a process of its own. Disposing it stops its teams first. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** Rejects with the server's own words when the answer is not a success. */
  call<T>(method: string, path: string, body?: object): Promise<T>;
}

export async function startServer({ dataDir, env, endLeftovers, signal }: ServerOptions): Promise<Server> {
  await mkdir(dataDir, { recursive: true });
  const port = await freePort();
  const { PATH, HOME, NATS_SERVER } = process.env;
  const child = spawn(process.execPath, [main], {
    // In a process group of its own, so that Ctrl-C reaches the benchmark alone, which then ends everything in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{ PATH, HOME, ...(NATS_SERVER && { NATS_SERVER }) },
      ...{ DATA_DIR: dataDir, LISTEN_ADDR: `127.0.0.1:${port}`, ANTHROPIC_API_KEY: apiKey },
      ...env,
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log = `${log}${chunk}`.slice(-logTail);
    });
  }
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const server: Server = {
    url,
    call: (method, path, body) => call(url, method, path, body, signal),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stopTeams(url);
      const kill = setTimeout(() => child.kill('SIGKILL'), endMs);
      child.kill('SIGTERM');
      await exited;
      clearTimeout(kill);
      await endLeftovers();
    },
  };
  for (;;) {
    if (await isReady(url)) return server;
    if (child.exitCode === null && !signal.aborted) await sleep(100);
    else {
      await server[Symbol.asyncDispose]();
      throw new Error(`the server did not start:\n${log}`);
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function call<T>(
  url: string,
  method: string,
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body), signal });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** What this cannot end is ended as a leftover. */
async function stopTeams(url: string): Promise<void> {
  const signal = AbortSignal.timeout(stopMs);
  try {
    for (const { id } of await call<{ id: string }[]>(url, 'GET', '/api/teams', undefined, signal))
      await call(url, 'POST', `/api/teams/${id}/stop`, undefined, signal);
  } catch (error) {
    console.error(`The team was not stopped: ${error}`);
  }
}
