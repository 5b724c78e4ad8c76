import { type Database, defaultOrgId } from '@agentcrew/models';

/** Everything that clients can have written, to see that a refused request left nothing behind. */
export function contents(db: Database) {
  const teams = db.teams.all();
  return {
    teams,
    agents: teams.map(({ id }) => db.agents.listByTeam(id)),
    messages: teams.map(({ id }) => db.messages.after({ teamId: id, seq: 0, limit: 100_000 })),
    settings: db.settings.list(defaultOrgId),
  };
}
