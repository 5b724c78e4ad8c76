import { setTimeout as delay } from 'node:timers/promises';
import type { Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { messageOf, relayConsumer } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import type { TeamBuses } from './team-buses.ts';

export interface ShutDownDeps {
  db: Database;
  buses: TeamBuses;
  log: Logger;
}

const agentDeadlineMs = 8_000;
const drainDeadlineMs = 3_000;
const pollMs = 50;

/**
 * Asks a team's agents to end their turns and exit, and waits until what they said last is stored. All of it is
 * courtesy with a deadline: an agent that does not answer is ended by the runtime anyway.
 */
export async function shutDownAgents(deps: ShutDownDeps, team: TeamRow, reason: string): Promise<void> {
  const bus = deps.buses.get(team.id);
  if (!bus?.connected) return;
  const running = deps.db.agents.listByTeam(team.id).filter((agent) => agent.container_status === 'running');
  await Promise.all(
    running.map(async ({ slug }) => {
      try {
        await bus.request(slug, { type: 'shutdown', reason }, agentDeadlineMs);
      } catch (error) {
        deps.log.warn({ team_id: team.id, agent: slug, error: messageOf(error) }, 'agent did not shut down by itself');
      }
    }),
  );
  try {
    await relayDrained(bus);
  } catch (error) {
    deps.log.warn({ team_id: team.id, error: messageOf(error) }, 'stream not drained');
  }
}

async function relayDrained(bus: TeamBus): Promise<void> {
  const deadline = AbortSignal.timeout(drainDeadlineMs);
  for (;;) {
    const lag = await bus.consumerLag(relayConsumer);
    if (!lag || (lag.pending === 0 && lag.unsettled === 0)) return;
    await delay(pollMs, undefined, { signal: deadline });
  }
}
