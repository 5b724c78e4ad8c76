import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@agentcrew/testkit';

const mainPath = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ServerOptions {
  dataDir: string;
  port: number;
  env?: Record<string, string>;
}

/** The real server as a process of its own, on the local runtime. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  /** What it has logged so far. */
  output(): string;
  /** Ends it with a signal and waits for that; resolves with its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the server and waits until it answers. */
export async function startServer({ dataDir, port, env = {} }: ServerOptions): Promise<Server> {
  const child = spawn(process.execPath, [mainPath], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      RUNTIME: 'local',
      DATA_DIR: dataDir,
      PORT: String(port),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const url = `http://127.0.0.1:${port}`;
  await waitFor('the server to answer, or to end', async () => {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    return child.exitCode !== null || answer?.ok;
  });
  if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output}`);
  if (child.pid === undefined) throw new Error('no pid');
  return {
    url,
    pid: child.pid,
    output: () => output,
    async end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}
