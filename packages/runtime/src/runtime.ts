import type { AgentSpec } from '@agentcrew/protocol';

export type RuntimeName = 'docker' | 'kubernetes' | 'local' | 'mock';

/** What a team needs before its agents: workspace, network, bus. All names are slugs. */
export interface InfraConfig {
  team: string;
  /** Password of the team's own NATS user. */
  natsToken: string;
  /** A folder of the host to use as the workspace; absent: a workspace the runtime keeps for the team. */
  workspacePath?: string;
}

/** `AgentSpec` minus what only the runtime can know: addresses and paths as the agent sees them. */
export type AgentConfig = Omit<
  AgentSpec,
  'instance' | 'runtime' | 'nats_url' | 'nats_user' | 'workspace' | 'state_dir' | 'health_addr'
> & {
  workspacePath?: string;
  /** Container image; runtimes without containers ignore it. */
  image?: string;
  /** Limits of the agent's container; runtimes without containers ignore them. Absent: no limit. */
  resources?: AgentResources;
};

export interface AgentResources {
  /** Cores; `0.5` is half of one. */
  cpu?: number;
  /** Bytes. */
  memory?: number;
}

export type AgentState = 'running' | 'stopped' | 'error';

export interface AgentStatus {
  /** The runtime's id of the agent's container, pod or process; stable while that one lives. */
  id: string;
  team: string;
  agent: string;
  state: AgentState;
  /** Why, in words for a person, when the state is `error`. */
  message?: string;
}

/** An agent the runtime knows; `state` as of the call. */
export type AgentInstance = AgentStatus;

export interface LogOptions {
  /** Go on with lines as they come, until the signal aborts. */
  follow?: boolean;
  /** Start with at most this many of the last lines. */
  tail?: number;
  signal?: AbortSignal;
}

export interface LogLine {
  stream: 'stdout' | 'stderr';
  /** RFC 3339. */
  time: string;
  line: string;
}

/**
 * Where agents run. Every operation is idempotent, has a deadline of its own besides the caller's signal, and throws
 * CrewError only. What a runtime starts outlives the server and is found again through `listAgents`.
 */
export interface AgentRuntime extends AsyncDisposable {
  readonly name: RuntimeName;
  /** Makes sure that the team's workspace and bus are there and the bus accepts connections; repairs what is not. */
  deployInfra(infra: InfraConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<void>;
  /**
   * Starts the agent and resolves when its sidecar reports ready. An agent that already runs ready with the same
   * config is left alone; one that runs with another is replaced. On failure nothing of it stays running.
   * @param onProgress told what takes its time, in words for a person: the download of an image
   */
  deployAgent(agent: AgentConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<AgentInstance>;
  /** Ends the agent with all its processes; its state stays. Unknown ids are no error. */
  stopAgent(id: string): Promise<void>;
  /** `stopAgent`, and forgets the agent's state (Claude's session, what it has answered). */
  removeAgent(id: string): Promise<void>;
  /** State of one agent; `stopped` for an unknown id. */
  getStatus(id: string): Promise<AgentStatus>;
  streamLogs(id: string, options: LogOptions): AsyncIterable<LogLine>;
  /** Ends everything of the team; workspace and state stay unless `removeData`. A `workspacePath` is never removed. */
  teardownInfra(team: string, options?: { removeData?: boolean }): Promise<void>;
  /** URL of the team's NATS as its agents see it. */
  natsUrl(team: string): string;
  /** The same NATS as the server sees it, with the user to connect as (password: the team's token). */
  natsConnectUrl(team: string): Promise<{ url: string; user?: string }>;
  /** Every agent that carries this server's instance label, dead ones included. */
  listAgents(): Promise<AgentInstance[]>;
  /** Calls back when an agent's state changes. */
  watch(onChange: (change: AgentStatus) => void): Disposable;
  /** Frees the server's own handles; agents go on. */
  [Symbol.asyncDispose](): Promise<void>;
}
