import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { AgentInstance, AgentRuntime, AgentStatus } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import { createAgentHealth, type Seen } from './agent-health.ts';
import type { Approvals } from './approvals.ts';
import type { Briefings } from './briefings.ts';
import type { Cancellations } from './cancellations.ts';
import type { Deployer } from './deployer.ts';
import { type DeploymentDeps, infraOf } from './deployment.ts';
import { createNews } from './news.ts';
import type { Outbox } from './outbox.ts';
import { requeueLost } from './redelivery.ts';
import { createReplacements } from './replacements.ts';
import type { Restarts } from './restarts.ts';
import { sweepOrphans } from './sweep.ts';
import type { TeamBuses } from './team-buses.ts';

export interface ReconcilerDeps extends DeploymentDeps {
  db: Database;
  runtime: AgentRuntime;
  buses: TeamBuses;
  deployer: Deployer;
  outbox: Outbox;
  approvals: Approvals;
  cancellations: Cancellations;
  briefings: Briefings;
  restarts: Restarts;
  intervalMs: number;
  log: Logger;
}

/** Keeps the database and the world the same: on start, on a timer, and when the runtime reports a change. */
export interface Reconciler {
  /** Adopts what runs, goes on with deploys that were cut off, then watches until closed. */
  start(): void;
  /** One pass over all teams; passes never overlap. */
  pass(): Promise<void>;
  /**
   * Ends the agent's process and starts another one, in the background; one that is being started already is left to it.
   * @throws CrewError TEAM_NOT_RUNNING, AGENT_NOT_RUNNING
   */
  restart(team: TeamRow, agent: AgentRow): void;
  restarting(agentId: string): boolean;
  close(): Promise<void>;
}

/** So long a pass may take for a team, so that a sick one cannot hold up the others for ever. */
const repairDeadlineMs = 20_000;
const everything = '';

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const stop = new AbortController();
  const replacements = createReplacements({ ...deps, stop: stop.signal });
  /** Of teams by their ids, and of all of it. */
  const isNews = createNews();
  const health = createAgentHealth({ ...deps, replacements });
  /** Where the agents of a team were told that their bus is. */
  const busUrls = new Map<string, string>();
  /** Teams whose bus this server has reached. */
  const connected = new Set<string>();
  let current: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watch: Disposable | undefined;

  async function passOnce(): Promise<void> {
    const seen = { at: performance.now(), instances: await listAgents() };
    const { instances } = seen;
    const teams = deps.db.teams.all();
    deps.approvals.expireOverdue(new Date());
    await Promise.all(teams.map((team) => guarded(team, seen)));
    await sweepOrphans(deps, deps.db.teams.all(), instances);
  }

  /** A runtime that does not answer is said of every team that should run. */
  async function listAgents(): Promise<AgentInstance[]> {
    try {
      return await deps.runtime.listAgents();
    } catch (error) {
      for (const team of deps.db.teams.all().filter(({ id }) => !deps.deployer.busy(id))) {
        note(team, `Not healthy: ${messageOf(error)}`);
      }
      throw error;
    }
  }

  async function guarded(team: TeamRow, seen: Seen): Promise<void> {
    if (team.status !== 'running') {
      busUrls.delete(team.id);
      connected.delete(team.id);
    }
    if (stop.signal.aborted || deps.deployer.busy(team.id)) return;
    try {
      if (team.stop_requested_at) finishStop(team);
      else if (team.status === 'deploying') deps.deployer.resume(team);
      else if (team.status === 'running') await deps.deployer.repair(team.id, (cancel) => mend(team, seen, cancel));
      isNews(team.id, undefined);
    } catch (error) {
      if (stop.signal.aborted || deps.deployer.busy(team.id)) return;
      const trouble = messageOf(error);
      if (isNews(team.id, trouble)) {
        deps.log.warn({ team_id: team.id, team: team.slug, error: trouble }, 'team needs repair');
      }
      note(team, `Not healthy: ${trouble}`);
    }
  }

  /** Not awaited: a stop takes as long as the slowest agent. */
  function finishStop(team: TeamRow): void {
    deps.log.info({ team_id: team.id, team: team.slug }, 'finishing a stop that was cut off');
    deps.deployer.stop(team).catch((error: unknown) => {
      deps.log.error({ team_id: team.id, error: messageOf(error) }, 'team not stopped');
    });
  }

  async function mend(team: TeamRow, seen: Seen, cancel: AbortSignal): Promise<void> {
    if (team.nats_token === '') {
      endWith(
        team,
        "The password of the team's bus cannot be decrypted with this SETTINGS_ENCRYPTION_KEY. Deploy the team again.",
      );
      return;
    }
    const signal = AbortSignal.any([stop.signal, cancel, AbortSignal.timeout(repairDeadlineMs)]);
    const busBefore = busUrls.get(team.id) ?? knownBusUrl(team);
    const dead = agentsOf(team).filter((agent) => health.isDead(team, agent, seen));
    // Said first: to bring back the bus may take its time.
    if (dead.length > 0) note(team, troubles(team));
    await deps.runtime.deployInfra(infraOf(deps, team), signal);
    const bus = await deps.buses.open(team, signal);
    signal.throwIfAborted();
    for (const { id } of dead) repairAgent(team, id, seen);
    if (moved(team, busBefore)) for (const agent of agentsOf(team)) replacements.begin(team, agent);
    if (deps.deployer.busy(team.id)) return;
    replaceLost(team, bus);
    if (bus.connected) connected.add(team.id);
    const away = bus.connected || !connected.has(team.id) ? '' : "Not healthy: the team's bus does not answer";
    note(team, [away, troubles(team)].filter((text) => text !== '').join('; '));
    if ((await requeueLost(deps.db, team, bus, new Date())) > 0) {
      deps.log.warn({ team_id: team.id }, 'messages were lost on the bus and are sent again');
    }
    deps.outbox.kick(team.id);
    deps.approvals.kick(team.id);
    deps.cancellations.kick(team.id);
    deps.briefings.kick(team.id);
  }

  const agentsOf = ({ id }: TeamRow) => deps.db.agents.listByTeam(id).filter(isDeployed);
  const troubles = (team: TeamRow) => health.troubles(agentsOf(team));

  /** Starts agents again that their runtime sees running and that answer nothing. */
  function replaceLost(team: TeamRow, bus: TeamBus): void {
    const alive = agentsOf(team).filter(
      (agent) => agent.container_status === 'running' && !replacements.underWay(agent.id),
    );
    for (const agent of alive.filter(({ id }) => deps.silences.isLost(id))) {
      health.noteDeath(team, agent, 'it runs and does not answer');
      replacements.begin(team, agent, { isAlive: true });
    }
    deps.silences.ask(bus, alive);
  }

  /** What the runtime tells is noted at once; a pass may be waiting for something else. */
  function told(change: AgentStatus): void {
    const team = deps.db.teams.all().find(({ slug, status }) => slug === change.team && status === 'running');
    if (!team || team.stop_requested_at || deps.deployer.busy(team.id)) return;
    const agent = agentsOf(team).find(({ slug }) => slug === change.agent);
    if (agent && health.isDead(team, agent, { at: performance.now(), instances: [change] })) {
      note(team, troubles(team));
    }
  }

  function repairAgent(team: TeamRow, id: string, seen: Seen): void {
    const agent = agentsOf(team).find((one) => one.id === id);
    if (!agent || replacements.outdates(id, seen.at)) return;
    if (deps.restarts.exhausted(agent.id)) {
      endWith(team, reasonToGiveUp(agent));
    } else if (deps.restarts.due(agent.id)) {
      replacements.begin(team, agent);
    }
  }

  /** Whether the bus is at another address than before (its port was taken): the agents still look at the old one. */
  function moved(team: TeamRow, before: string | undefined): boolean {
    const now = deps.runtime.natsUrl(team.slug);
    busUrls.set(team.id, now);
    if (before === undefined || before === now) return false;
    deps.log.warn({ team_id: team.id }, 'the bus has moved, its agents are restarted');
    return true;
  }

  function knownBusUrl(team: TeamRow): string | undefined {
    try {
      return deps.runtime.natsUrl(team.slug);
    } catch {
      return undefined;
    }
  }

  /** Not awaited: the operation waits for this pass's own repair to end. */
  function endWith(team: TeamRow, reason: string): void {
    deps.deployer.giveUp(team, reason).catch((error: unknown) => {
      deps.log.error({ team_id: team.id, error: messageOf(error) }, 'team not given up');
    });
  }

  function reasonToGiveUp(agent: AgentRow): string {
    const why = deps.restarts.reason(agent.id);
    const times = deps.restarts.failures(agent.id);
    deps.restarts.forget(agent.id);
    return `Agent ${agent.name} died ${times} times in a row (${why}). Deploy the team again.`;
  }

  function note(team: TeamRow, message: string): void {
    if (deps.db.teams.get(team.id)?.status_message === message) return;
    deps.db.teams.setStatus(team.id, 'running', message, { from: ['running'] });
  }

  async function pass(): Promise<void> {
    current ??= passOnce()
      .then(() => {
        if (isNews(everything, undefined)) deps.log.info('reconciliation works again');
      })
      .catch((error: unknown) => {
        const trouble = messageOf(error);
        if (isNews(everything, trouble)) deps.log.error({ error: trouble }, 'reconciliation failed');
      })
      .finally(() => {
        current = undefined;
      });
    await current;
  }

  return {
    pass,
    restart(team, agent) {
      const present = deps.db.teams.get(team.id);
      if (present?.status !== 'running' || present.stop_requested_at || deps.deployer.busy(team.id)) {
        throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
      }
      if (!isDeployed(agent)) throw new CrewError('AGENT_NOT_RUNNING', 'the agent starts with the next deploy');
      deps.restarts.forget(agent.id);
      replacements.begin(present, agent, { isAlive: true });
    },
    restarting: replacements.underWay,
    start() {
      watch = deps.runtime.watch((change) => {
        told(change);
        void pass();
      });
      timer = setInterval(() => void pass(), deps.intervalMs);
      void pass();
    },
    async close() {
      clearInterval(timer);
      watch?.[Symbol.dispose]();
      stop.abort();
      await current;
      await replacements.close();
    },
  };
}

/** Agents added to a running team wait for the next deploy. */
function isDeployed(agent: AgentRow): boolean {
  return agent.container_id !== '';
}
