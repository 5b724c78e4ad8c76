import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectBus, type TeamBus } from '@agentcrew/nats';
import {
  type AgentMcpServer,
  type AgentSpec,
  type ApprovalAnswer,
  agentMarker,
  type Envelope,
  relayConsumer,
  splitMcpSecrets,
} from '@agentcrew/protocol';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { message, spec } from './fakes.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** A machine with other things to do starts a CLI in half a minute. */
const patience = { timeoutMs: 60_000 };

export interface CrewOptions {
  natsUrl: string;
  modelUrl: string;
  permissions?: unknown;
  limits?: Partial<AgentSpec['limits']>;
  apiKey?: string;
  /** Of a nats-server that wants one. */
  natsToken?: string;
  /** The spec is a file behind a link, without the secrets, which are in the sidecar's environment. */
  asInPod?: boolean;
  mcpServers?: AgentMcpServer[];
}

/** Writes the spec as Kubernetes mounts a Secret, and gives the variables that go with it. */
function podEnvironment({ secrets, ...rest }: AgentSpec, folder: string): Record<string, string | undefined> {
  const link = join(folder, 'agent.json');
  writeFileSync(join(folder, 'data.json'), JSON.stringify(rest));
  symlinkSync('data.json', link);
  return {
    AGENT_SPEC_FILE: link,
    NATS_TOKEN: secrets.nats_token,
    ANTHROPIC_API_KEY: secrets.anthropic_api_key,
    MCP_SECRETS: secrets.mcp,
  };
}

/** A team with one real agent in a process of its own; the test plays the server. */
export class Crew implements AsyncDisposable {
  readonly spec: AgentSpec;
  readonly bus: TeamBus;
  /** Everything the agent has said, in the order of the stream. */
  readonly said: Envelope[] = [];
  output = '';
  #sidecar: ChildProcess | undefined;
  readonly #relay = new AbortController();
  #relaying: Promise<void> = Promise.resolve();
  readonly #folder: TemporaryFolder;
  /** Variables of the sidecar, and what it gets on its standard input. */
  readonly #handOver: { env: Record<string, string | undefined>; input: string };

  private constructor(agentSpec: AgentSpec, bus: TeamBus, folder: TemporaryFolder, asInPod: boolean) {
    this.spec = agentSpec;
    this.bus = bus;
    this.#folder = folder;
    this.#handOver = asInPod
      ? { env: podEnvironment(agentSpec, folder.path), input: '' }
      : { env: { AGENT_SPEC_FILE: '-' }, input: JSON.stringify(agentSpec) };
  }

  static async start(options: CrewOptions): Promise<Crew> {
    const folder = await temporaryFolder();
    const team = `t${randomUUID().slice(0, 8)}`;
    const mcp = splitMcpSecrets(options.mcpServers ?? []);
    const agentSpec = spec({
      instance: randomUUID(),
      team,
      nats_url: options.natsUrl,
      anthropic_base_url: options.modelUrl,
      permissions: options.permissions ?? { allowed_tools: ['Bash', 'Read', 'Write'] },
      workspace: join(folder.path, 'workspace'),
      state_dir: join(folder.path, 'state'),
      health_addr: '127.0.0.1:0',
      limits: {
        turn_timeout_ms: 120_000,
        stall_timeout_ms: 60_000,
        idle_park_ms: 600_000,
        max_attempts: 10,
        ...options.limits,
      },
      mcp_servers: mcp.servers,
      secrets: {
        anthropic_api_key: options.apiKey ?? `sk-canary-${randomUUID()}`,
        nats_token: options.natsToken,
        mcp: mcp.secrets,
      },
    });
    const bus = await connectBus({ url: options.natsUrl, token: options.natsToken, name: `api-${team}`, team });
    const crew = new Crew(agentSpec, bus, folder, options.asInPod ?? false);
    await crew.openStream();
    crew.startSidecar();
    await crew.ready();
    return crew;
  }

  async openStream(): Promise<void> {
    await this.bus.ensureStream({ maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 });
    const relay = async ({ kind, envelope, ack }: { kind: string; envelope: Envelope; ack: () => Promise<void> }) => {
      if (kind !== 'agent') this.said.push(envelope);
      await ack();
    };
    this.#relaying = this.bus.consume({ durable: relayConsumer, maxAckPending: 100 }, relay, this.#relay.signal);
  }

  get sidecarPid(): number {
    return this.#sidecar?.pid ?? -1;
  }

  startSidecar(): void {
    const env = {
      PATH: process.env.PATH,
      AGENTCREW_AGENT: agentMarker(this.spec),
      LOG_LEVEL: 'debug',
      ...this.#handOver.env,
    };
    const child = spawn(process.execPath, [main], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.stdin.end(this.#handOver.input);
    const keep = (chunk: Buffer) => {
      this.output += chunk;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#sidecar = child;
  }

  /** Ends the sidecar and waits until it is gone; resolves with its exit code. */
  async endSidecar(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#sidecar;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = await exit;
    return code;
  }

  async readiness(): Promise<{ status: number; checks: Record<string, boolean> }> {
    const { port, pid } = JSON.parse(await readFile(join(this.spec.state_dir, 'health.json'), 'utf8'));
    if (pid !== this.sidecarPid) throw new Error('health.json is that of an earlier process');
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { checks } = (await response.json()) as { checks: Record<string, boolean> };
    return { status: response.status, checks };
  }

  async ready(): Promise<void> {
    await waitFor(`the agent to be ready`, async () => (await this.readiness()).status === 200, patience).catch(
      (cause) => {
        throw new Error(`not ready; its output:\n${this.output}`, { cause });
      },
    );
  }

  async send(text: string, id: string = randomUUID()): Promise<string> {
    await this.bus.publish('agent', 'lead', message(id, { payload: { content: text } }));
    return id;
  }

  repliesTo(id: string): Envelope[] {
    const isReply = ({ type }: Envelope) => type === 'leader_response' || type === 'task_result';
    return this.said.filter((envelope) => envelope.ref_message_id === id && isReply(envelope));
  }

  async replyTo(id: string): Promise<Envelope['payload']> {
    const found = await waitFor(`the reply to ${id}`, () => this.repliesTo(id)[0], patience).catch((cause) => {
      throw new Error(`no reply; the sidecar's output:\n${this.output}`, { cause });
    });
    return found.payload;
  }

  /** Payloads of the agent's activity of one kind. */
  activity(kind: string): Envelope['payload'][] {
    const payloads = this.said.filter(({ type }) => type === 'activity_event').map(({ payload }) => payload);
    return payloads.filter((payload) => payload.event_type === kind);
  }

  statuses(): unknown[] {
    return this.said.filter(({ type }) => type === 'status_update').map(({ payload }) => payload.activity);
  }

  /** What the agent has asked a person, or what became of it. */
  approvals(type: 'approval_request' | 'approval_decision'): Envelope[] {
    return this.said.filter((envelope) => envelope.type === type);
  }

  /** The next question to a person that is not among those known. */
  async asked(known: Envelope[] = []): Promise<Envelope> {
    const isNew = ({ message_id }: Envelope) => known.every((other) => other.message_id !== message_id);
    return waitFor('a question to a person', () => this.approvals('approval_request').find(isNew), patience);
  }

  answer(request: Envelope, answer: Partial<ApprovalAnswer>) {
    const approval_id = String(request.payload.approval_id);
    return this.bus.request(
      'lead',
      { type: 'approval', decision: 'allow', scope: 'once', ...answer, approval_id },
      10_000,
    );
  }

  /** Sends a request as the server does; resolves with the answer. */
  control(type: 'interrupt' | 'shutdown' | 'status') {
    return this.bus.request('lead', { type }, 10_000);
  }

  async sessionId(): Promise<string | undefined> {
    return (await this.control('status')).session_id;
  }

  /** All processes of the agent with their command lines, zombies not counted. */
  async processes(): Promise<{ pid: number; command: string; environment: string }[]> {
    const marker = agentMarker(this.spec);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const all = await Promise.all(
      pids.map(async (pid) => {
        const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
        return { pid, command: (await read('cmdline')).replaceAll('\0', ' '), environment: await read('environ') };
      }),
    );
    return all.filter(({ environment }) => environment.split('\0').includes(`AGENTCREW_AGENT=${marker}`));
  }

  async cliPid(): Promise<number> {
    const isCli = ({ command }: { command: string }) => command.includes('--input-format stream-json');
    return waitFor('the CLI', async () => (await this.processes()).find(isCli)?.pid, patience);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endSidecar('SIGKILL');
    for (const { pid } of await this.processes()) process.kill(pid, 'SIGKILL');
    this.#relay.abort();
    await this.#relaying;
    await this.bus[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
