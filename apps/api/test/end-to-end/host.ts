import { freePort, type ScriptedModel, startScriptedModel, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { Client } from './client.ts';
import { processesWith } from './processes.ts';
import { type Server, startServer } from './server.ts';

export interface HostOptions {
  /** The only key that the model takes, and the server's; default: any is taken. */
  apiKey?: string;
  /** The server's further environment. */
  env?: (folder: string) => Record<string, string>;
}

/** A server with a folder and a model of its own, as somebody has it on a computer. Disposing it ends all it has started. */
export class Host implements AsyncDisposable {
  readonly model: ScriptedModel;
  readonly folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly client: Client;
  readonly #port: number;
  readonly #env: Record<string, string>;
  #server!: Server;

  private constructor(model: ScriptedModel, folder: Host['folder'], port: number, { apiKey, env }: HostOptions) {
    this.model = model;
    this.folder = folder;
    this.client = new Client(`http://127.0.0.1:${port}`);
    this.#port = port;
    this.#env = {
      ANTHROPIC_API_KEY: apiKey ?? 'sk-ant-test-0123456789',
      ANTHROPIC_BASE_URL: model.url,
      ...env?.(folder.path),
    };
  }

  static async start(options: HostOptions = {}): Promise<Host> {
    const { apiKey } = options;
    const model = await startScriptedModel(apiKey === undefined ? {} : { apiKey });
    const host = new Host(model, await temporaryFolder(), await freePort(), options);
    await host.startServer();
    return host;
  }

  /** The server's process: the last one that was started. */
  get server(): Server {
    return this.#server;
  }

  /** Starts a server where the one before has ended. */
  async startServer(env: Record<string, string> = {}): Promise<Server> {
    this.#server = await startServer({ dataDir: this.folder.path, port: this.#port, env: { ...this.#env, ...env } });
    return this.#server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const teams = await this.client.call<{ id: string }[]>('GET', '/api/teams').catch(() => []);
    for (const { id } of teams) await this.client.call('POST', `/api/teams/${id}/stop`).catch(() => undefined);
    await this.#server.end('SIGTERM');
    await waitFor('all processes to end', () => processesWith(this.folder.path).length === 0);
    await this.folder[Symbol.asyncDispose]();
    await this.model[Symbol.asyncDispose]();
  }
}
