import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectBus, type TeamBus } from '@agentcrew/nats';
import { type AgentSpec, agentMarker, type Envelope, relayConsumer } from '@agentcrew/protocol';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { message, spec } from './fakes.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const patience = { timeoutMs: 60_000 };

export interface TeamOptions {
  natsUrl: string;
  modelUrl: string;
  /** Slugs; the first one leads. */
  agents: string[];
  permissions?: unknown;
}

/** Several real agents, each in a process of its own, in one team; the test plays the server. */
export class Team implements AsyncDisposable {
  readonly bus: TeamBus;
  /** Everything on the bus, in the order of the stream. */
  readonly log: Envelope[] = [];
  output = '';
  readonly #specs: Map<string, AgentSpec>;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #stop = new AbortController();
  readonly #relaying: Promise<void>;
  readonly #folder: AsyncDisposable;

  private constructor(specs: AgentSpec[], bus: TeamBus, folder: AsyncDisposable) {
    this.#specs = new Map(specs.map((one) => [one.agent, one]));
    this.bus = bus;
    this.#folder = folder;
    const relay = async ({ envelope, ack }: { envelope: Envelope; ack: () => Promise<void> }) => {
      this.log.push(envelope);
      await ack();
    };
    this.#relaying = bus.consume({ durable: relayConsumer, maxAckPending: 1 }, relay, this.#stop.signal);
  }

  static async start({ natsUrl, modelUrl, agents, permissions = { allowed_tools: ['Bash'] } }: TeamOptions) {
    const folder = await temporaryFolder();
    const name = `t${randomUUID().slice(0, 8)}`;
    const roleOf = (slug: string) => (slug === agents[0] ? ('leader' as const) : ('worker' as const));
    const mate = (slug: string) => ({
      slug,
      name: slug,
      role: roleOf(slug),
      specialty: `all ${slug}`,
      description: '',
    });
    const specs = agents.map((agent) =>
      spec({
        instance: name,
        team: name,
        agent,
        agent_name: agent,
        role: roleOf(agent),
        teammates: agents.filter((slug) => slug !== agent).map(mate),
        nats_url: natsUrl,
        anthropic_base_url: modelUrl,
        permissions,
        workspace: join(folder.path, 'workspace'),
        state_dir: join(folder.path, agent),
        health_addr: '127.0.0.1:0',
        secrets: { anthropic_api_key: 'sk-test' },
      }),
    );
    const bus = await connectBus({ url: natsUrl, name: `api-${name}`, team: name });
    await bus.ensureStream({ maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 });
    const team = new Team(specs, bus, folder);
    for (const agent of agents) team.run(agent);
    await Promise.all(agents.map((agent) => team.ready(agent)));
    return team;
  }

  /** Starts an agent's process. */
  run(agent: string): void {
    const agentSpec = this.#specs.get(agent);
    if (!agentSpec) throw new Error(`no agent ${agent}`);
    const env = { PATH: process.env.PATH, AGENT_SPEC_FILE: '-', AGENTCREW_AGENT: agentMarker(agentSpec) };
    const child = spawn(process.execPath, [main], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.stdin.end(JSON.stringify(agentSpec));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk;
      });
    }
    this.#processes.set(agent, child);
  }

  async ready(agent: string): Promise<void> {
    const stateDir = this.#specs.get(agent)?.state_dir ?? '';
    await this.#wait(`${agent} to be ready`, async () => {
      const { port } = JSON.parse(await readFile(join(stateDir, 'health.json'), 'utf8').catch(() => '{}'));
      return port !== undefined && (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
    });
  }

  /** Ends an agent's process and waits until it is gone. */
  async end(agent: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(agent);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  control(agent: string, request: Parameters<TeamBus['request']>[1]) {
    return this.bus.request(agent, request, 10_000);
  }

  async send(agent: string, text: string, changes: Partial<Envelope> = {}): Promise<string> {
    const id = randomUUID();
    await this.bus.publish('agent', agent, message(id, { to: agent, payload: { content: text }, ...changes }));
    return id;
  }

  of(type: Envelope['type']): Envelope[] {
    return this.log.filter((envelope) => envelope.type === type);
  }

  /** The answer to a message. */
  async reply(id: string): Promise<Envelope['payload']> {
    const isReply = ({ ref_message_id, type }: Envelope) =>
      ref_message_id === id && ['leader_response', 'task_result'].includes(type);
    const { payload } = await this.#wait(`the reply to ${id}`, () => this.log.find(isReply));
    return payload;
  }

  /** The first message of a type, past or future, that fulfils the predicate. */
  seen(type: Envelope['type'], predicate: (envelope: Envelope) => boolean = () => true): Promise<Envelope> {
    return this.#wait(`a ${type}`, () => this.of(type).find(predicate));
  }

  /** Resolves when every agent's CLI runs. */
  async warm(): Promise<void> {
    const agents = [...this.#specs.keys()];
    const isWarm = (agent: string) =>
      this.of('status_update').some(({ from, payload }) => from === agent && payload.activity === 'idle');
    await this.#wait('the CLIs to be warm', () => agents.every(isWarm));
  }

  #wait<T>(what: string, check: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
    return waitFor(what, check, patience).catch((cause) => {
      throw new Error(`${what}: not in time; the output of the agents:\n${this.output}`, { cause });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#specs.keys()].map((agent) => this.end(agent, 'SIGKILL')));
    for (const pid of await this.#leftovers()) process.kill(pid, 'SIGKILL');
    this.#stop.abort();
    await this.#relaying;
    await this.bus[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #leftovers(): Promise<number[]> {
    const markers = [...this.#specs.values()].map((one) => `AGENTCREW_AGENT=${agentMarker(one)}`);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const marked = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        return environment.split('\0').some((entry) => markers.includes(entry)) ? [pid] : [];
      }),
    );
    return marked.flat();
  }
}

/** A line that makes the scripted model call a crew tool. */
export function crewCall(tool: string, input: object, directive: 'tool' | 'also' = 'tool'): string {
  return `!${directive} mcp__crew__${tool} ${JSON.stringify(input)}`;
}

export function delegate(agent: string, instruction: string, more: object = {}): string {
  return crewCall('delegate_task', { agent, instruction, ...more });
}
