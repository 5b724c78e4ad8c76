import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { AgentInstance, AgentRuntime, AgentStatus } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import type { Approvals } from './approvals.ts';
import type { Briefings } from './briefings.ts';
import type { Cancellations } from './cancellations.ts';
import type { Deployer } from './deployer.ts';
import { type DeploymentDeps, infraOf, startAgent } from './deployment.ts';
import type { Outbox } from './outbox.ts';
import { requeueLost } from './redelivery.ts';
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

/** What the runtime told, and when it was asked. */
interface Seen {
  at: number;
  instances: AgentInstance[];
}

/** A pass and a restart have deadlines of their own, so that one sick team cannot hold up the others for ever. */
const repairDeadlineMs = 20_000;
const restartDeadlineMs = 90_000;

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const stop = new AbortController();
  const restarting = new Map<string, Promise<void>>();
  /** When an agent was started again last: what was seen of it before is out of date. */
  const restartedAt = new Map<string, number>();
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
    } catch (error) {
      if (stop.signal.aborted || deps.deployer.busy(team.id)) return;
      deps.log.warn({ team_id: team.id, team: team.slug, error: messageOf(error) }, 'team needs repair');
      note(team, `Not healthy: ${messageOf(error)}`);
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
    const dead = agentsOf(team).filter((agent) => isDead(team, agent, seen));
    // Said first: to bring back the bus may take its time.
    if (dead.length > 0) note(team, troubles(team));
    await deps.runtime.deployInfra(infraOf(deps, team), signal);
    const bus = await deps.buses.open(team, signal);
    signal.throwIfAborted();
    for (const { id } of dead) repairAgent(team, id, seen);
    if (moved(team, busBefore)) for (const agent of agentsOf(team)) beginRestart(team, agent);
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
  const isOutdated = (agentId: string, { at }: Seen) => restarting.has(agentId) || (restartedAt.get(agentId) ?? 0) > at;

  /** Notes how an agent is. `false` also for one of which nothing is known just now. */
  function isDead(team: TeamRow, agent: AgentRow, seen: Seen): boolean {
    if (isOutdated(agent.id, seen)) return false;
    const { instances } = seen;
    const instance = instances.find((known) => known.team === team.slug && known.agent === agent.slug);
    if (instance?.state === 'running') {
      deps.db.agents.setContainer(agent.id, { container_id: instance.id, container_status: 'running' });
      deps.restarts.started(agent.id);
      return false;
    }
    noteDeath(team, agent, instance?.message ?? 'its process is gone');
    return true;
  }

  function noteDeath(team: TeamRow, agent: AgentRow, reason: string): void {
    if (deps.db.agents.setContainer(agent.id, { container_id: agent.container_id, container_status: 'error' })) {
      deps.log.warn({ team_id: team.id, agent: agent.slug, reason }, 'agent died');
    }
    deps.restarts.died(agent.id, reason);
  }

  /** Starts agents again that their runtime sees running and that answer nothing. */
  function replaceLost(team: TeamRow, bus: TeamBus): void {
    const alive = agentsOf(team).filter((agent) => agent.container_status === 'running' && !restarting.has(agent.id));
    for (const agent of alive.filter(({ id }) => deps.silences.isLost(id))) {
      noteDeath(team, agent, 'it runs and does not answer');
      beginRestart(team, agent, true);
    }
    deps.silences.ask(bus, alive);
  }

  /** What the runtime tells is noted at once; a pass may be waiting for something else. */
  function told(change: AgentStatus): void {
    const team = deps.db.teams.all().find(({ slug, status }) => slug === change.team && status === 'running');
    if (!team || team.stop_requested_at || deps.deployer.busy(team.id)) return;
    const agent = agentsOf(team).find(({ slug }) => slug === change.agent);
    if (agent && isDead(team, agent, { at: performance.now(), instances: [change] })) {
      note(team, troubles(team));
    }
  }

  function repairAgent(team: TeamRow, id: string, seen: Seen): void {
    const agent = agentsOf(team).find((one) => one.id === id);
    if (!agent || isOutdated(id, seen)) return;
    if (deps.restarts.exhausted(agent.id)) {
      endWith(team, reasonToGiveUp(agent));
    } else if (deps.restarts.due(agent.id)) {
      beginRestart(team, agent);
    }
  }

  function beginRestart(team: TeamRow, agent: AgentRow, isAlive = false): void {
    if (restarting.has(agent.id)) return;
    const agents = deps.db.agents.listByTeam(team.id);
    const run = deps.deployer
      .repair(team.id, (cancel) => restart(team, agent, agents, isAlive, cancel))
      .finally(() => {
        restarting.delete(agent.id);
        restartedAt.set(agent.id, performance.now());
      });
    restarting.set(agent.id, run);
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

  async function restart(
    team: TeamRow,
    agent: AgentRow,
    agents: AgentRow[],
    isAlive: boolean,
    cancel: AbortSignal,
  ): Promise<void> {
    const signal = AbortSignal.any([stop.signal, cancel, AbortSignal.timeout(restartDeadlineMs)]);
    try {
      if (isAlive) await deps.runtime.stopAgent(agent.container_id);
      signal.throwIfAborted();
      await startAgent(deps, team, agent, agents, signal);
      deps.restarts.started(agent.id);
      deps.log.info({ team_id: team.id, agent: agent.slug }, 'agent restarted');
    } catch (error) {
      if (stop.signal.aborted || cancel.aborted) return;
      deps.restarts.started(agent.id);
      deps.restarts.died(agent.id, messageOf(error));
      deps.log.warn({ team_id: team.id, agent: agent.slug, error: messageOf(error) }, 'agent not restarted');
    }
  }

  /** What is wrong with the team's agents, for a person; empty when nothing is. */
  function troubles(team: TeamRow): string {
    return agentsOf(team)
      .map(troubleOf)
      .filter((trouble) => trouble !== undefined)
      .join('; ');
  }

  function troubleOf({ id, name, container_status }: AgentRow): string | undefined {
    if (container_status === 'error') {
      return `Agent ${name} died and is being restarted (attempt ${deps.restarts.failures(id)}): ${deps.restarts.reason(id)}`;
    }
    return deps.silences.isSilent(id) && !restarting.has(id) ? `Agent ${name} does not answer` : undefined;
  }

  function note(team: TeamRow, message: string): void {
    if (deps.db.teams.get(team.id)?.status_message === message) return;
    deps.db.teams.setStatus(team.id, 'running', message, { from: ['running'] });
  }

  async function pass(): Promise<void> {
    current ??= passOnce()
      .catch((error: unknown) => deps.log.error({ error: messageOf(error) }, 'reconciliation failed'))
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
      beginRestart(present, agent, true);
    },
    restarting: (agentId) => restarting.has(agentId),
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
      await Promise.allSettled(restarting.values());
    },
  };
}

/** Agents added to a running team wait for the next deploy. */
function isDeployed(agent: AgentRow): boolean {
  return agent.container_id !== '';
}
