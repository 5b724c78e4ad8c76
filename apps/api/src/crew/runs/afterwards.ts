import type { Database, Run } from '@agentcrew/models';

/**
 * Decides, as part of the end of a run, what becomes of a team that was deployed for it: it is stopped again, unless a
 * person has chatted with it meanwhile (then it is theirs) or another run uses it (then that one is to stop it).
 * The stop is noted with the end: one that is cut off, or never begun, is finished by the next server.
 * @returns whether the team is to be stopped now.
 */
export function settleTeam(db: Database, run: Run): boolean {
  const team = db.teams.get(run.trigger.team_id);
  if (!run.deployed_team || !team || team.stop_requested_at) return false;
  if (team.status !== 'running' && team.status !== 'deploying') return false;
  if (db.runs.chattedSince(team.id, run.started_at)) return false;
  const [other] = db.runs.openOfTeam(team.id);
  if (other) {
    db.runs.update(other, { deployed_team: true });
    return false;
  }
  db.teams.update(team.id, { stop_requested_at: new Date() });
  return true;
}
