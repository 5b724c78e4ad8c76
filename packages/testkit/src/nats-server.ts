import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

export interface NatsServerOptions {
  /** Additional configuration in the server's own format: accounts, limits. */
  configText?: string;
  /** Default: a free port. */
  port?: number;
  /** Folder of the JetStream store. Default: a temporary one, removed at the end. */
  storeDir?: string;
}

export interface TestNatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
  /** Pid of the running server, or of the one that ran last. */
  readonly pid: number;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
  /** Kills the server if it runs, and starts it again with the same port and store. */
  restart(): Promise<void>;
}

/** Starts the `nats-server` of the PATH on loopback, with JetStream on a file store. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<TestNatsServer> {
  const folder = await temporaryFolder();
  const storeDir = options.storeDir ?? join(folder.path, 'store');
  const config = join(folder.path, 'nats.conf');
  await writeFile(config, options.configText ?? '');

  let server = await run(folder.path, config, storeDir, options.port).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]();
    throw error;
  });
  const { port } = server;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    async restart() {
      await server.kill();
      server = await run(folder.path, config, storeDir, port);
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** One server process, ready for connections. Port -1 lets the server pick one; it tells it in its ports file. */
async function run(folder: string, config: string, storeDir: string, port = -1) {
  const address = ['-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder];
  const child = execa('nats-server', ['-c', config, '-js', '-sd', storeDir, ...address], {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    maxBuffer: 1_000_000,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('nats-server is not on the PATH', { cause: await child });
  const kill = async () => {
    child.kill('SIGKILL');
    await child;
  };
  const ended = child.then((result) => {
    throw new Error(`nats-server ended at once: ${result.stderr}`);
  });
  ended.catch(() => {});
  const portsFile = join(folder, `nats-server_${pid}.ports`);
  try {
    const actual = await Promise.race([ended, waitFor('nats-server to listen', () => readPort(portsFile))]);
    return { pid, port: actual, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

async function readPort(file: string): Promise<number> {
  const ports = JSON.parse(await readFile(file, 'utf8')) as { nats: string[] };
  return Number(new URL(String(ports.nats[0])).port);
}
