import type { ClaudeProcess, checkClaude, startClaude, transcriptState } from '@agentcrew/claude';
import type { ConnectBus, TeamBus } from '@agentcrew/nats';
import { crewTools, effectivePermissions, toolsFor } from '@agentcrew/permissions';
import {
  type AgentMcpServer,
  type AgentSpec,
  type ApprovalAnswer,
  agentConsumer,
  agentMarker,
  type BudgetState,
  defaultSkillInstallMs,
  type FileRequest,
  messageOf,
  type Skill,
} from '@agentcrew/protocol';
import { ActivityReader, notice } from './activity.ts';
import { ApprovedCalls } from './approvals/approved-calls.ts';
import { ApprovalBroker } from './approvals/broker.ts';
import { Briefing } from './briefing.ts';
import { Spending } from './budget/spending.ts';
import { TurnBudget } from './budget/turn-budget.ts';
import { claudeOptions, cliFolders } from './claude-options.ts';
import { Cli, type CliState } from './cli.ts';
import { CliEvents } from './cli-events.ts';
import { answerControl } from './control.ts';
import { Delegations } from './crew/delegations.ts';
import { OpenTasks } from './crew/open-tasks.ts';
import { SharedContext } from './crew/shared-context.ts';
import { crewServer } from './crew/tool-server.ts';
import { warmUpAfterMs } from './crew/warm-up.ts';
import { answerFiles } from './files/answer.ts';
import { Uploads } from './files/uploads.ts';
import { createGate, preloadGate } from './gate.ts';
import { type Health, serveHealth } from './health.ts';
import { Ledger } from './ledger.ts';
import { endLeftovers } from './leftovers.ts';
import type { Log } from './log.ts';
import { mcpSecrets } from './mcp/mcp-secrets.ts';
import { McpStates } from './mcp/mcp-states.ts';
import { Outbox } from './outbox.ts';
import { pause } from './pause.ts';
import type { Redactor } from './redactor.ts';
import { Session } from './session.ts';
import { installerEnvironment } from './skills/environment.ts';
import type { runInstaller } from './skills/run-installer.ts';
import { Shelf } from './skills/shelf.ts';
import { Skills } from './skills/skills.ts';
import { startInSession } from './start-cli.ts';
import { Answerer } from './turns/answer.ts';
import { TurnLoop } from './turns/loop.ts';
import { pastFrom } from './turns/resume.ts';
import { Vitals } from './vitals.ts';
import { Voice } from './voice.ts';

export interface AgentOptions {
  spec: AgentSpec;
  log: Log;
  redactor: Redactor;
  connectBus: ConnectBus;
  checkClaude: typeof checkClaude;
  startClaude: typeof startClaude;
  transcriptState: typeof transcriptState;
  runInstaller: typeof runInstaller;
  /** The agent was shut down over the bus and nobody has ended its process since; `close` is to be called. */
  onAbandoned: () => void;
}

/** How long an interrupted turn may take to its stored reply when the agent is shut down, in milliseconds. */
const lastReplyMs = 5_000;
/** How long the CLI may take to end by itself, in milliseconds. */
const cliEndMs = 3_000;
const lastWordsMs = 500;
const connectTimeoutMs = 10_000;
/** So long waits an agent that was shut down for the end of its process, in milliseconds. */
const abandonedAfterMs = 30_000;

/** One agent: what belongs together, opened in order and closed in reverse. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #session: Session;
  readonly #ledger: Ledger;
  readonly #events = new CliEvents();
  readonly #outbox: Outbox;
  readonly #voice: Voice;
  readonly #approvals: ApprovalBroker;
  readonly #vitals = new Vitals();
  readonly #spending: Spending;
  readonly #budget: TurnBudget;
  readonly #delegations: Delegations;
  readonly #briefing: Briefing;
  readonly #shelf: Shelf;
  readonly #skills: Skills;
  readonly #cli: Cli;
  readonly #uploads: Uploads;
  /** Aborts when no more messages are taken. */
  readonly #intake = new AbortController();
  /** Aborts when the running turn, too, is left to the next process. */
  readonly #stop = new AbortController();
  #health: AsyncDisposable | undefined;
  #bus: TeamBus | undefined;
  #natsProblem: string | undefined;
  #loop: TurnLoop | undefined;
  #looping: Promise<void> = Promise.resolve();

  constructor(options: AgentOptions) {
    const { spec, log, redactor } = options;
    this.#options = options;
    this.#session = new Session(spec.state_dir);
    this.#ledger = new Ledger(spec.state_dir);
    this.#outbox = new Outbox({ agent: spec.agent, log });
    this.#voice = new Voice(spec, redactor, this.#outbox);
    this.#approvals = new ApprovalBroker({
      stateFolder: spec.state_dir,
      voice: this.#voice,
      currentMessageId: () => this.#loop?.currentMessageId,
    });
    this.#spending = new Spending({
      stateFolder: spec.state_dir,
      agentName: spec.agent_name,
      told: spec.budget,
    });
    this.#budget = new TurnBudget({ spending: this.#spending, onSpent: (spent) => this.#voice.tellSpent(spent), log });
    this.#delegations = this.#createDelegations();
    this.#briefing = new Briefing(spec);
    this.#shelf = new Shelf(spec.state_dir);
    this.#skills = this.#createSkills();
    redactor.learn(mcpSecrets(this.#briefing.options().mcpServers));
    this.#cli = this.#createCli();
    this.#uploads = new Uploads(spec);
    const reader = new ActivityReader();
    const states = new McpStates();
    this.#events.listen((event) => {
      const news = states.read(event);
      if (news) this.#voice.tellMcpStates(news);
      for (const draft of reader.read(event)) this.#voice.tellActivity(draft);
      this.#vitals.see(event);
    });
  }

  /** Works until `close`. Rejects when the agent cannot be opened. */
  async run(): Promise<void> {
    const { spec, log } = this.#options;
    // A CLI of the process before, still on its way out, would write into the transcript.
    await this.#endLeftovers();
    this.#health = await serveHealth(spec, {
      examine: () => this.#examine(),
      onFirstReady: () => this.#warmUpLater(),
    });
    this.#voice.tellStatus('starting');
    this.#cli.prepare();
    const bus = await this.#connect();
    if (bus === undefined) return;
    this.#bus = bus;
    // Before anything is said: the server answers the first word with what has changed since the spec was made.
    bus.respond(spec.agent, (request) => answerControl(request, this.#controls()));
    this.#outbox.open(bus);
    await this.#uploads.sweep();
    if (spec.skills) this.#skills.want(spec.skills, { only: false });
    bus.onConnection((connected) => {
      log.info({ connected }, 'NATS connection changed');
      if (connected) this.#approvals.repeat();
    });
    this.#delegations.endAllBut(this.#ledger.turn()?.message_id);
    this.#loop = this.#createLoop(bus);
    this.#looping = this.#loop.run(this.#intake.signal);
    await this.#looping;
  }

  /** Ends everything. The running turn is not answered: the next process resumes it. */
  async close(): Promise<void> {
    this.#intake.abort();
    this.#stop.abort(new Error('the agent is shutting down'));
    this.#voice.tellStatus('stopping');
    this.#approvals.close();
    await Promise.race([this.#cli.close(), pause(cliEndMs)]);
    await this.#endLeftovers();
    await this.#uploads.close();
    await this.#outbox.close(lastWordsMs);
    await Promise.race([this.#looping, pause(lastWordsMs)]);
    await this.#bus?.[Symbol.asyncDispose]();
    await this.#health?.[Symbol.asyncDispose]();
  }

  #createDelegations(): Delegations {
    const { spec, log } = this.#options;
    return new Delegations({
      agent: spec.agent,
      bus: () => this.#bus,
      voice: this.#voice,
      current: () => this.#loop?.currentMessage,
      tasks: new OpenTasks(spec.state_dir),
      stop: this.#stop.signal,
      log,
    });
  }

  #createSkills(): Skills {
    const { spec, runInstaller, log } = this.#options;
    return new Skills({
      shelf: this.#shelf,
      runInstaller,
      environment: () => installerEnvironment(spec),
      timeoutMs: spec.limits.skill_install_ms ?? defaultSkillInstallMs,
      tellStatuses: (statuses) => this.#voice.tellSkillStatuses(statuses),
      onChange: () => this.#cli.refresh(),
      stop: this.#stop.signal,
      log,
    });
  }

  /** What Claude is told and given, as of now. */
  #briefed() {
    const { instructions, mcpServers } = this.#briefing.options();
    return { instructions: instructions + this.#skills.text(), mcpServers };
  }

  #createCli(): Cli {
    const { spec, log, checkClaude, startClaude } = this.#options;
    const stored = effectivePermissions(spec.permissions, spec.runtime, spec.workspace);
    const permissions = { ...stored, read_scopes: [this.#shelf.folder] };
    const { home } = cliFolders(spec.state_dir);
    const { teammates } = spec;
    const inTeam = teammates.length > 0 && permissions.allowed_tools.includes(crewTools);
    const tellActivity = this.#voice.tellActivity.bind(this.#voice);
    const approved = new ApprovedCalls(() => this.#session.id);
    const gate = { permissions, cwd: spec.workspace, home, tellActivity, broker: this.#approvals, approved };
    const options = {
      ...claudeOptions(spec, toolsFor(permissions)),
      ...(inTeam && { toolServer: crewServer({ teammates, delegations: this.#delegations }) }),
      decide: createGate({ ...gate, refuseAll: () => this.#budget.check() }),
      onEvent: this.#events.emit.bind(this.#events),
      onStderr: (line: string) => log.debug({ line: line.slice(0, 500) }, 'Claude Code wrote to stderr'),
    };
    const start = async (): Promise<ClaudeProcess> => {
      await this.#endLeftovers();
      return startInSession({
        session: this.#session,
        start: (sessionId) => startClaude({ ...options, ...this.#briefed(), sessionId }),
        onLost: () => tellActivity(notice('Claude does not know the earlier conversation any more; a new one begins.')),
        log,
      });
    };
    const onState = (state: CliState) => this.#tellCliState(state);
    return new Cli({ check: () => checkClaude(), start, idleParkMs: spec.limits.idle_park_ms, onState, log });
  }

  #createLoop(bus: TeamBus): TurnLoop {
    const { spec, log, transcriptState } = this.#options;
    const { configDir } = cliFolders(spec.state_dir);
    const common = { cli: this.#cli, ledger: this.#ledger, session: this.#session, stop: this.#stop.signal, log };
    const readPast = async (sessionId: string, uuid: string) =>
      pastFrom(await transcriptState(configDir, sessionId, uuid));
    const answerer = new Answerer({
      ...common,
      events: this.#events,
      waiting: this.#approvals.waiting,
      limits: spec.limits,
      budget: this.#budget,
      onRateLimit: (until) => this.#tellRateLimit(until),
      readPast,
    });
    return new TurnLoop({
      ...common,
      spec,
      bus,
      answerer,
      spending: this.#spending,
      voice: this.#voice,
      contexts: new SharedContext(spec.state_dir),
      onTurnEnd: (messageId) => this.#delegations.endTurn(messageId),
    });
  }

  /** Tries until the bus is there; the health endpoint tells that it is not. `undefined`: closed meanwhile. */
  async #connect(): Promise<TeamBus | undefined> {
    const { spec, log, connectBus } = this.#options;
    const { nats_url: url, nats_user: user, team, agent, secrets } = spec;
    const credentials = { ...(user && { user }), ...(secrets.nats_token && { token: secrets.nats_token }) };
    const signal = this.#intake.signal;
    const onProblem = (problem: string) => log.warn({ problem }, 'NATS problem');
    while (!signal.aborted) {
      try {
        const name = `${team}-${agent}`;
        const bus = await connectBus({ url, ...credentials, name, team, connectTimeoutMs, signal, onProblem });
        log.info('NATS connected');
        this.#natsProblem = undefined;
        return bus;
      } catch (error) {
        this.#natsProblem = messageOf(error);
        if (!signal.aborted) log.warn({ error: this.#natsProblem }, 'NATS cannot be reached');
      }
    }
    return undefined;
  }

  async #examine(): Promise<Health> {
    const bus = this.#bus;
    const nats = bus?.connected ?? false;
    const lag =
      nats && this.#loop ? await bus?.consumerLag(agentConsumer(this.#options.spec.agent)).catch(() => {}) : undefined;
    const checks = { nats, consumer: lag !== undefined, cli: this.#cli.ready };
    return { checks, reasons: this.#options.redactor.data({ nats: this.#natsProblem, cli: this.#cli.problem }) };
  }

  #controls() {
    const { log, redactor } = this.#options;
    return {
      status: () => ({
        activity: this.#voice.status,
        session_id: this.#session.id,
        current_message_id: this.#loop?.currentMessageId,
        turn_started_at: this.#loop?.turnStartedAt,
        ...this.#vitals.facts(),
        waiting_for: this.#delegations.waitingFor,
      }),
      answerApproval: (answer: ApprovalAnswer) => this.#approvals.answer(answer),
      tellBudget: (budget: BudgetState) => this.#spending.tell(budget),
      answerFiles: (request: FileRequest) => answerFiles(request, this.#options.spec.workspace, this.#uploads),
      tellInstructions: (instructions: string) => {
        if (!this.#briefing.instruct(instructions)) return;
        log.info('the instructions have changed');
        this.#cli.refresh();
      },
      tellMcpServers: (servers: AgentMcpServer[]) => {
        if (!this.#briefing.equip(servers)) return;
        redactor.learn(mcpSecrets(servers));
        log.info({ servers: servers.map(({ name }) => name) }, 'the MCP servers have changed');
        this.#cli.refresh();
      },
      tellSkills: (skills: Skill[]) => this.#skills.want(skills, { only: true }),
      installSkill: async (skill: Skill) => redactor.data(await this.#skills.install(skill)),
      interrupt: (reason?: string, messageId?: string) => this.#loop?.interrupt(reason, messageId) ?? false,
      shutDown: async (reason?: string) => {
        this.#intake.abort();
        this.#voice.tellStatus('stopping');
        this.#loop?.interrupt(reason);
        await Promise.race([this.#looping, pause(lastReplyMs)]);
        void this.#cli.close();
        // Docker and Kubernetes would start again what ends by itself: ending the process is up to its runtime.
        setTimeout(this.#options.onAbandoned, abandonedAfterMs).unref();
      },
    };
  }

  #warmUpLater(): void {
    const { signal } = this.#intake;
    void pause(warmUpAfterMs(this.#options.spec), signal).then(() => {
      if (signal.aborted) return;
      this.#cli.warmUp();
      preloadGate();
    });
  }

  #tellCliState(state: CliState): void {
    if (this.#loop?.currentMessageId !== undefined || this.#intake.signal.aborted) return;
    if (state === 'running') this.#voice.tellStatus('idle');
    if (state === 'parked') this.#voice.tellStatus('parked');
  }

  #tellRateLimit(until: string | undefined): void {
    this.#voice.tellStatus(until === undefined ? 'working' : 'parked');
    if (until === undefined) return;
    const text = `Claude's limit for this account is reached. The agent waits until ${until}, then goes on.`;
    this.#voice.tellActivity(notice(text));
  }

  async #endLeftovers(): Promise<void> {
    const { spec, log } = this.#options;
    const ended = await endLeftovers(agentMarker(spec), this.#skills.group);
    if (ended > 0) log.warn({ ended }, 'processes left behind by Claude Code were ended');
  }
}
