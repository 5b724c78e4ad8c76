import type { TeamRow } from '@agentcrew/models';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { bringUp, type DeploymentDeps } from './deployment.ts';
import type { MessageLog } from './message-log.ts';
import type { Outbox } from './outbox.ts';
import { newNatsToken } from './roster.ts';
import { shutDownAgents } from './shut-down.ts';

export interface DeployerDeps extends DeploymentDeps {
  messages: MessageLog;
  outbox: Outbox;
  deployTimeoutMs: number;
  log: Logger;
}

/** Deploys, stops and removes teams; one operation for a team at a time. */
export interface Deployer {
  /** Starts a deploy in the background and returns the team as `deploying`. Throws TEAM_ALREADY_RUNNING, TEAM_DEPLOYING. */
  deploy(team: TeamRow): TeamRow;
  /** Goes on with a deploy that an earlier process left behind. */
  resume(team: TeamRow): void;
  /** Ends the team's agents and cancels a deploy; resolves with the stopped team. Throws TEAM_NOT_RUNNING. */
  stop(team: TeamRow): Promise<TeamRow>;
  /** Ends what is left of a team that cannot go on, answers what waited, and leaves it in `error`. */
  giveUp(team: TeamRow, reason: string): Promise<void>;
  /** Removes the team's resources, workspace included. Throws TEAM_NOT_STOPPED. */
  remove(team: TeamRow): Promise<void>;
  /** Mends something of a running team; every operation on the team cancels that first and waits for its end. */
  repair(teamId: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Whether an operation is going on: then nobody else touches the team's agents. */
  busy(teamId: string): boolean;
  /** Abandons deploys (the next start resumes them) and waits for the rest. */
  close(): Promise<void>;
}

interface Operation {
  kind: 'deploy' | 'stop' | 'repair';
  controller: AbortController;
  done: Promise<void>;
}

export function createDeployer(deps: DeployerDeps): Deployer {
  const operations = new Map<string, Operation>();
  const repairs = new Map<string, Set<Operation>>();
  const cancelled = new CrewError('DEPLOY_CANCELLED', 'the deploy was cancelled');
  const closing = new CrewError('SHUTTING_DOWN', 'the server is shutting down');

  function begin(teamId: string, kind: Operation['kind'], work: (signal: AbortSignal) => Promise<void>): Operation {
    const controller = new AbortController();
    const operation: Operation = { kind, controller, done: Promise.resolve() };
    operations.set(teamId, operation);
    operation.done = cancelRepairs(teamId)
      .then(() => work(controller.signal))
      .finally(() => {
        if (operations.get(teamId) === operation) operations.delete(teamId);
      });
    // Whoever waits for the operation sees its failure; nobody waiting must not end the process.
    operation.done.catch(() => undefined);
    return operation;
  }

  async function cancelRepairs(teamId: string): Promise<void> {
    const present = [...(repairs.get(teamId) ?? [])];
    for (const { controller } of present) controller.abort(cancelled);
    await Promise.allSettled(present.map(({ done }) => done));
  }

  function beginDeploy(team: TeamRow): void {
    deps.log.info({ team_id: team.id, team: team.slug }, 'deploying');
    begin(team.id, 'deploy', (signal) => deploy(team, signal));
  }

  async function deploy(team: TeamRow, cancel: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(deps.deployTimeoutMs);
    try {
      await bringUp(deps, team, AbortSignal.any([cancel, deadline]));
    } catch (error) {
      if (cancel.aborted) return;
      const failure = deadline.aborted ? timedOut(deps.deployTimeoutMs) : error;
      deps.log.error({ team_id: team.id, team: team.slug, error: messageOf(failure) }, 'deploy failed');
      await fail(team, messageOf(failure));
      return;
    }
    if (deps.db.teams.setStatus(team.id, 'running', '', { from: ['deploying'] })) {
      deps.log.info({ team_id: team.id, team: team.slug }, 'running');
      deps.outbox.kick(team.id);
    }
  }

  /** A failed deploy leaves nothing running; what could not be removed is said, and swept by the reconciler. */
  async function fail(team: TeamRow, reason: string): Promise<void> {
    const leftover = await tearDown(team).then(
      () => '',
      (error: unknown) => ` (cleaning up failed too: ${messageOf(error)})`,
    );
    settle(team, 'error', reason + leftover);
  }

  async function tearDown(team: TeamRow, options?: { removeData?: boolean }): Promise<void> {
    await deps.buses.close(team.id);
    await deps.runtime.teardownInfra(team.slug, options);
  }

  /**
   * Notes that nothing of the team runs any more, as one change: a team that is `running` without deployed agents
   * would be left alone for ever. A failure leaves the agents marked that caused it.
   */
  function settle(team: TeamRow, status: 'stopped' | 'error', message: string): void {
    deps.db.transaction(() => {
      for (const agent of deps.db.agents.listByTeam(team.id)) {
        const failed = status === 'error' && agent.container_status === 'error';
        deps.db.agents.setContainer(agent.id, { container_id: '', container_status: failed ? 'error' : 'stopped' });
      }
      deps.db.teams.setStatus(team.id, status, message);
    });
  }

  async function end(team: TeamRow, reason: string): Promise<void> {
    await shutDownAgents(deps, team, reason);
    await tearDown(team);
  }

  /**
   * Nothing accepted goes unanswered: what no agent will answer any more gets a failure that says why. Before the
   * status changes, in one turn of the event loop: so no message can be accepted in between, and a crash forgets none.
   */
  function answerWaiting(team: TeamRow, reason: string): void {
    const leader = deps.db.agents.listByTeam(team.id).find((agent) => agent.role === 'leader')?.slug ?? 'leader';
    for (const message of deps.db.messages.unanswered(team.id)) {
      deps.messages.storeFailure(message, leader, 'TEAM_STOPPED', reason);
    }
  }

  async function stopNow(team: TeamRow): Promise<void> {
    try {
      await end(team, 'the team is being stopped');
    } catch (error) {
      deps.db.teams.setStatus(team.id, 'error', `The team could not be stopped: ${messageOf(error)}. Stop it again.`);
      throw error;
    }
    answerWaiting(team, 'The team was stopped before this message was answered. Deploy the team and send it again.');
    settle(team, 'stopped', '');
    deps.log.info({ team_id: team.id, team: team.slug }, 'stopped');
  }

  async function cancelDeploy(teamId: string): Promise<void> {
    // Until the stop begins, the reconciler may resume a deploy that was cancelled just now.
    for (let operation = operations.get(teamId); operation?.kind === 'deploy'; operation = operations.get(teamId)) {
      operation.controller.abort(cancelled);
      await operation.done;
    }
  }

  /** A token that was sealed with another encryption key is lost; the bus takes a new one. */
  function withToken(team: TeamRow): TeamRow {
    return team.nats_token === '' ? (deps.db.teams.update(team.id, { nats_token: newNatsToken() }) ?? team) : team;
  }

  function current(teamId: string): TeamRow {
    const team = deps.db.teams.get(teamId);
    if (!team) throw new CrewError('TEAM_NOT_FOUND', 'team not found');
    return team;
  }

  return {
    deploy(team) {
      if (!deps.db.teams.setStatus(team.id, 'deploying', '', { from: ['stopped', 'error'] })) {
        throw current(team.id).status === 'deploying'
          ? new CrewError('TEAM_DEPLOYING', 'team is currently deploying')
          : new CrewError('TEAM_ALREADY_RUNNING', 'team is already running');
      }
      if (operations.has(team.id)) {
        deps.db.teams.setStatus(team.id, team.status, team.status_message, { from: ['deploying'] });
        throw new CrewError('TEAM_DEPLOYING', 'team is still being cleaned up, try again in a moment');
      }
      const deploying = withToken(current(team.id));
      beginDeploy(deploying);
      return deploying;
    },

    resume: beginDeploy,

    async stop(team) {
      await cancelDeploy(team.id);
      const operation = operations.get(team.id);
      if (operation) {
        await operation.done;
        return current(team.id);
      }
      if (current(team.id).status === 'stopped') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
      await begin(team.id, 'stop', () => stopNow(team)).done;
      return current(team.id);
    },

    async giveUp(team, reason) {
      if (operations.has(team.id)) return;
      const operation = begin(team.id, 'stop', async () => {
        deps.log.error({ team_id: team.id, team: team.slug, reason }, 'giving the team up');
        await end(team, reason).catch((error: unknown) => {
          deps.log.error({ team_id: team.id, error: messageOf(error) }, 'clean-up failed, the reconciler goes on');
        });
        answerWaiting(team, reason);
        settle(team, 'error', reason);
      });
      await operation.done;
    },

    async remove(team) {
      const { status } = current(team.id);
      if (status === 'running' || status === 'deploying' || operations.has(team.id)) {
        throw new CrewError('TEAM_NOT_STOPPED', 'stop the team before deleting it');
      }
      await begin(team.id, 'stop', async () => {
        await tearDown(team, { removeData: true });
        deps.db.teams.delete(team.id);
      }).done;
    },

    async repair(teamId, work) {
      if (operations.has(teamId)) return;
      const ofTeam = repairs.get(teamId) ?? new Set();
      repairs.set(teamId, ofTeam);
      const controller = new AbortController();
      const repair: Operation = { kind: 'repair', controller, done: work(controller.signal) };
      ofTeam.add(repair);
      try {
        await repair.done;
      } finally {
        ofTeam.delete(repair);
        if (ofTeam.size === 0 && repairs.get(teamId) === ofTeam) repairs.delete(teamId);
      }
    },

    busy: (teamId) => operations.has(teamId),

    async close() {
      for (const { kind, controller } of operations.values()) if (kind === 'deploy') controller.abort(closing);
      await Promise.allSettled([...operations.values()].map(({ done }) => done));
    },
  };
}

function timedOut(ms: number): CrewError {
  return new CrewError('DEPLOY_TIMEOUT', `The deploy took longer than ${Math.round(ms / 1000)} s and was ended.`);
}
