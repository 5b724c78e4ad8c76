import type { TeamRow } from '@agentcrew/models';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { addresseeOf } from './addressee.ts';
import type { Approvals } from './approvals.ts';
import { bringUp, type DeploymentDeps } from './deployment.ts';
import type { MessageLog } from './message-log.ts';
import { createOperations } from './operations.ts';
import type { Outbox } from './outbox.ts';
import { newNatsToken } from './roster.ts';
import { shutDownAgents } from './shut-down.ts';

export interface DeployerDeps extends DeploymentDeps {
  messages: MessageLog;
  outbox: Outbox;
  approvals: Approvals;
  deployTimeoutMs: number;
  log: Logger;
}

/** Deploys, stops and removes teams; one operation for a team at a time. */
export interface Deployer {
  /**
   * Starts a deploy in the background and returns the team as `deploying`; `alongside` is done in the transaction that
   * stores that. Throws TEAM_ALREADY_RUNNING, TEAM_DEPLOYING.
   */
  deploy(team: TeamRow, alongside?: () => void): TeamRow;
  /** Goes on with a deploy that an earlier process left behind. */
  resume(team: TeamRow): void;
  /**
   * Ends the team's agents and cancels a deploy; resolves with the stopped team. What is cut off is finished by the next
   * server. Throws TEAM_NOT_RUNNING.
   */
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

export function createDeployer(deps: DeployerDeps): Deployer {
  const operations = createOperations();

  function noteStop(teamId: string): void {
    deps.db.transaction(() => {
      if (current(teamId).status === 'stopped') return;
      deps.db.teams.update(teamId, { stop_requested_at: new Date() });
      // What is deployed after this stop is not theirs to end.
      for (const run of deps.db.runs.openOfTeam(teamId)) deps.db.runs.update(run, { deployed_team: false });
    });
  }

  function noteDeploy(teamId: string): TeamRow {
    if (!deps.db.teams.setStatus(teamId, 'deploying', '', { from: ['stopped', 'error'] })) {
      throw current(teamId).status === 'deploying'
        ? new CrewError('TEAM_DEPLOYING', 'team is currently deploying')
        : new CrewError('TEAM_ALREADY_RUNNING', 'team is already running');
    }
    if (operations.busy(teamId))
      throw new CrewError('TEAM_DEPLOYING', 'team is still being cleaned up, try again in a moment');
    deps.db.teams.update(teamId, { stop_requested_at: null });
    return withToken(current(teamId));
  }

  function beginDeploy(team: TeamRow): void {
    deps.log.info({ team_id: team.id, team: team.slug }, 'deploying');
    operations.deploy(team.id, (signal) => deploy(team, signal));
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
    await deps.buses.closeAndDelete(team.id);
    await deps.runtime.teardownInfra(team.slug, options);
  }

  /**
   * Notes that nothing of the team runs any more, as one change: a team that is `running` without deployed agents
   * would be left alone for ever. A failure leaves the agents marked that caused it.
   */
  function settle(team: TeamRow, status: 'stopped' | 'error', message: string): void {
    deps.approvals.cancel(team.id, message || 'The team was stopped.');
    deps.db.transaction(() => {
      for (const agent of deps.db.agents.listByTeam(team.id)) {
        const failed = status === 'error' && agent.container_status === 'error';
        deps.db.agents.setContainer(agent.id, { container_id: '', container_status: failed ? 'error' : 'stopped' });
      }
      deps.db.teams.setStatus(team.id, status, message);
      deps.db.teams.update(team.id, { stop_requested_at: null, mcp_statuses: null });
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
    const agents = deps.db.agents.listByTeam(team.id);
    for (const message of [...deps.db.messages.unanswered(team.id), ...deps.db.messages.openTasks(team.id)]) {
      const from = addresseeOf(message, agents)?.slug ?? message.to_agent;
      deps.messages.storeFailure(message, from, 'TEAM_STOPPED', reason);
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
    deploy(team, alongside) {
      const deploying = deps.db.transaction(() => {
        alongside?.();
        return noteDeploy(team.id);
      });
      // Only once that is stored: a deploy of a team that is called stopped would be nobody's.
      beginDeploy(deploying);
      return deploying;
    },

    resume: beginDeploy,

    async stop(team) {
      // Noted first: a server that is killed meanwhile must not bring the team up again at its next start.
      noteStop(team.id);
      await operations.cancelDeploy(team.id);
      const other = operations.current(team.id);
      if (other) {
        await other;
        return current(team.id);
      }
      if (current(team.id).status === 'stopped') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
      await operations.run(team.id, () => stopNow(team));
      return current(team.id);
    },

    async giveUp(team, reason) {
      if (operations.busy(team.id)) return;
      await operations.run(team.id, async () => {
        deps.log.error({ team_id: team.id, team: team.slug, reason }, 'giving the team up');
        await end(team, reason).catch((error: unknown) => {
          deps.log.error({ team_id: team.id, error: messageOf(error) }, 'clean-up failed, the reconciler goes on');
        });
        answerWaiting(team, reason);
        settle(team, 'error', reason);
      });
    },

    async remove(team) {
      const { status } = current(team.id);
      if (status === 'running' || status === 'deploying' || operations.busy(team.id)) {
        throw new CrewError('TEAM_NOT_STOPPED', 'stop the team before deleting it');
      }
      await operations.run(team.id, async () => {
        await tearDown(team, { removeData: true });
        deps.db.teams.delete(team.id);
      });
    },

    repair: operations.repair,
    busy: operations.busy,
    close: operations.close,
  };
}

function timedOut(ms: number): CrewError {
  return new CrewError('DEPLOY_TIMEOUT', `The deploy took longer than ${Math.round(ms / 1000)} s and was ended.`);
}
