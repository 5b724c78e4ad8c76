import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@agentcrew/testkit';

const main = fileURLToPath(new URL('../../apps/api/src/main.ts', import.meta.url));
const startMs = 60_000;
/** The server promises to end within 10 s. */
const endMs = 12_000;

/** A server of the demo's own: a free port, a data folder of its own, its output in a file. */
export class Server {
  readonly url: string;
  readonly log: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, log: string) {
    this.#child = child;
    this.url = url;
    this.log = log;
  }

  /** Whether it has ended, by itself or by `stop`. */
  get ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the server is ready. */
  static async start(dataDir: string, env: Record<string, string | undefined>, signal: AbortSignal): Promise<Server> {
    const port = await freePort();
    const log = join(dataDir, 'server.log');
    const output = openSync(log, 'a', 0o600);
    // In a process group of its own, so that Ctrl-C reaches the demo alone, which then ends everything in order.
    const child = spawn(process.execPath, [main], {
      detached: true,
      stdio: ['ignore', output, output],
      env: { ...env, RUNTIME: 'local', LISTEN_ADDR: `127.0.0.1:${port}`, DATA_DIR: dataDir },
    });
    closeSync(output);
    const server = new Server(child, `http://127.0.0.1:${port}`, log);
    await server.#ready(AbortSignal.any([signal, AbortSignal.timeout(startMs)])).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    return server;
  }

  async #ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.ended) throw new Error(`the server ended while starting:\n${this.lastLines(5)}`);
      const answer = await fetch(`${this.url}/ready`, { signal }).catch(() => undefined);
      if (answer?.ok) return;
      signal.throwIfAborted();
      await sleep(100, undefined, { signal });
    }
  }

  /** Ends the server, in order if it can. */
  async stop(): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    await exit;
    clearTimeout(kill);
  }

  lastLines(count: number): string {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  }
}
