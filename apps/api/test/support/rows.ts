import { randomUUID } from 'node:crypto';
import type { AgentInput, TeamInput } from '@agentcrew/api/crew/roster.ts';
import { createTeam } from '@agentcrew/api/crew/roster.ts';
import { type AgentRow, type Database, openDatabase, type TeamRow } from '@agentcrew/models';
import type { Envelope } from '@agentcrew/protocol';

export function memoryDatabase(): Database {
  return openDatabase({ path: ':memory:', encryptionKey: 'only in memory' });
}

/** A stored team with a leader `Lead` and a worker `Worker`, unless told otherwise. */
export function storedTeam(
  db: Database,
  team: Partial<TeamInput> = {},
  agents: AgentInput[] = [{ name: 'Lead', role: 'leader' }, { name: 'Worker' }],
): { team: TeamRow; agents: AgentRow[] } {
  return createTeam(db, { name: `team-${randomUUID().slice(0, 8)}`, runtime: 'mock', ...team }, agents);
}

/** What the leader says, unless told otherwise. */
export function envelope(values: Partial<Envelope> = {}): Envelope {
  return {
    message_id: randomUUID(),
    from: 'Lead',
    to: 'user',
    type: 'activity_event',
    payload: { action: 'something' },
    timestamp: new Date().toISOString(),
    ...values,
  };
}
