import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { agentConsumer, type ContextUse, type ControlResponse } from '@agentcrew/protocol';
import { addresseeOf } from './addressee.ts';

export const agentStates = [
  'idle',
  'working',
  'waiting_for_approval',
  'parked',
  'starting',
  'restarting',
  'stopping',
  'stopped',
  'error',
] as const;
export type AgentState = (typeof agentStates)[number];

export interface AgentStatus {
  state: AgentState;
  /** Whether the agent has answered just now; otherwise this is what the database knows. */
  reachable: boolean;
  current_message_id: string | null;
  turn_started_at: string | null;
  /** Messages that wait for their turn. */
  queue_length: number;
  context: ContextUse | null;
  last_activity_at: string | null;
  session_id: string | null;
}

export interface StatusDeps {
  db: Database;
  bus: TeamBus | undefined;
  /** Whether the agent is being started again. */
  restarting: boolean;
}

const answerWithinMs = 2_000;

/** What the agent is doing. An agent that does not answer costs two seconds, and is no error. */
export async function agentStatus(deps: StatusDeps, team: TeamRow, agent: AgentRow): Promise<AgentStatus> {
  const resting = restingState(team, agent, deps.restarting);
  const answer = resting === undefined ? await ask(deps.bus, agent.slug) : undefined;
  return {
    state: resting ?? answer?.activity ?? supposedState(deps.db, team, agent),
    reachable: answer !== undefined,
    current_message_id: answer?.current_message_id ?? null,
    turn_started_at: answer?.turn_started_at ?? null,
    queue_length: await queueLength(deps, team, agent, answer?.current_message_id !== undefined),
    context: answer?.context ?? null,
    last_activity_at: answer?.last_activity_at ?? lastSeen(deps.db, team, agent),
    session_id: answer?.session_id ?? null,
  };
}

/** The state of an agent that cannot be asked. */
function restingState(team: TeamRow, agent: AgentRow, restarting: boolean): AgentState | undefined {
  if (team.stop_requested_at) return 'stopping';
  if (team.status === 'deploying') return 'starting';
  if (restarting) return 'restarting';
  if (agent.container_status === 'error') return 'error';
  return team.status !== 'running' || agent.container_id === '' ? 'stopped' : undefined;
}

function supposedState(db: Database, team: TeamRow, agent: AgentRow): AgentState {
  if (db.approvals.open(team.id, agent.slug).some(({ status }) => status === 'pending')) return 'waiting_for_approval';
  return unanswered(db, team, agent) > 0 ? 'working' : 'idle';
}

async function ask(bus: TeamBus | undefined, slug: string): Promise<ControlResponse | undefined> {
  if (!bus?.connected) return undefined;
  const answer = await bus.request(slug, { type: 'status' }, answerWithinMs).catch(() => undefined);
  return answer?.ok ? answer : undefined;
}

async function queueLength({ db, bus }: StatusDeps, team: TeamRow, agent: AgentRow, works: boolean): Promise<number> {
  const lag = bus?.connected ? await bus.consumerLag(agentConsumer(agent.slug)).catch(() => undefined) : undefined;
  if (!lag) return unanswered(db, team, agent);
  const unsent = unanswered(db, team, agent, 'pending');
  return Math.max(0, lag.pending + lag.unsettled + unsent - (works ? 1 : 0));
}

function unanswered(db: Database, team: TeamRow, agent: AgentRow, delivery?: 'pending'): number {
  const agents = db.agents.listByTeam(team.id);
  const rows = db.messages.unanswered(team.id).filter((row) => delivery === undefined || row.delivery === delivery);
  return rows.filter((row) => addresseeOf(row, agents)?.id === agent.id).length;
}

function lastSeen(db: Database, team: TeamRow, agent: AgentRow): string | null {
  const last = db.messages.lastFrom(team.id, agent.slug)?.created_at;
  // What is older was said by another agent, that had the name before.
  return last && last >= agent.created_at ? last.toISOString() : null;
}
