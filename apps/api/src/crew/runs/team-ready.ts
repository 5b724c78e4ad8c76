import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Run, TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { Deployer } from '../deployer.ts';
import { onceStorageAllows } from './storage.ts';

const pollMs = 100;

export interface TeamReadyDeps {
  db: Database;
  deployer: Deployer;
}

/**
 * Waits until the run's team is running. A schedule deploys a team that does not run, and notes that it did; a deploy of
 * somebody else is waited for, and so is the end of a stop. A deploy that fails is not tried again.
 * @throws CrewError why the team does not run; the signal's reason.
 */
export async function teamReady(deps: TeamReadyDeps, run: Run, signal: AbortSignal): Promise<void> {
  let deploySeen = false;
  for (;;) {
    const team = await onceStorageAllows(() => current(deps.db, run), signal);
    if (team.status === 'running' && !team.stop_requested_at) return;
    if (run.type === 'webhook') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
    // One that is being given up is not waited for as a deploy: after its stop comes a deploy of this run's own.
    if (team.status === 'deploying') deploySeen ||= !team.stop_requested_at;
    else if (team.status !== 'running' && deploySeen) throw notDeployed(team);
    else if (team.status !== 'running' && !deps.deployer.busy(team.id)) {
      await onceStorageAllows(() => deploy(deps, run, team), signal);
      deploySeen = true;
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** Together: a server that is killed at once knows afterwards whose deploy it goes on with. */
function deploy({ db, deployer }: TeamReadyDeps, run: Run, team: TeamRow): void {
  deployer.deploy(team, () => {
    if (!db.runs.update(run, { deployed_team: true })) throw new CrewError('RUN_NOT_FOUND', 'the run has ended');
  });
}

function current(db: Database, { trigger }: Run): TeamRow {
  const team = db.teams.get(trigger.team_id);
  if (!team) throw new CrewError('TEAM_NOT_FOUND', 'team not found');
  return team;
}

function notDeployed({ status, status_message }: TeamRow): CrewError {
  if (status === 'stopped') return new CrewError('TEAM_STOPPED', 'The team was stopped before the prompt was sent.');
  return new CrewError('TEAM_NOT_RUNNING', `The team could not be deployed: ${status_message}`);
}
