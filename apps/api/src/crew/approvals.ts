import type { ApprovalDecision, ApprovalRow, Database, MessageRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { approvalCorrectionId, CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { announceDecision } from './approval-record.ts';
import { approveForAlways } from './approved-for-always.ts';
import type { Hub } from './hub.ts';

export interface ApprovalsDeps {
  db: Database;
  hub: Hub;
  /** The open bus of a team. */
  busOf: (teamId: string) => TeamBus | undefined;
  log: Logger;
}

/** What people decide about the calls of agents, and its way to them. */
export interface Approvals {
  /**
   * Stores the decision and hands it to the agent that waits. Resolves with the approval after the first try; a decision
   * that the agent could not be told yet is told later.
   * @throws CrewError APPROVAL_DECIDED
   */
  decide(approval: ApprovalRow, decision: ApprovalDecision): Promise<ApprovalRow>;
  /** Tells the team's agents, in the background, what they have not been told yet. */
  kick(teamId: string): void;
  /** Nobody waits any more for what is open in the team, or of one of its agents. */
  cancel(teamId: string, reason: string, agent?: string): void;
  /** Ends what should have ended long ago, where no agent is left to say so. */
  expireOverdue(now: Date): void;
  /** Resolves when nothing is being told. */
  idle(): Promise<void>;
}

const answerWithinMs = 2_000;
/** An agent tells by itself that a time is over; so long that may take. */
const graceMs = 60_000;

export function createApprovals(deps: ApprovalsDeps): Approvals {
  const { db, hub, log } = deps;
  const deliveries = new Map<string, Promise<void>>();

  function publish(rows: (MessageRow | undefined)[]): void {
    for (const row of rows) if (row) hub.publish(row);
  }

  function store(approval: ApprovalRow, decision: ApprovalDecision): ApprovalRow {
    const { decided, told } = db.transaction(() => {
      const row = db.approvals.decide(approval.id, decision, new Date());
      if (!row) throw alreadyDecided(db.approvals.get(approval.team_id, approval.id) ?? approval);
      if (row.status === 'allowed' && row.scope === 'always') approveForAlways(db, row);
      return { decided: row, told: announceDecision(db, row, 'user') };
    });
    publish([told]);
    const { team_id, id, agent, status, scope } = decided;
    log.info({ team_id, approval_id: id, agent, status, scope }, 'approval decided');
    return decided;
  }

  function deliver(approval: ApprovalRow): Promise<void> {
    const present = deliveries.get(approval.id);
    if (present) return present;
    const delivery = tell(approval)
      .catch((error: unknown) => {
        const { team_id, id } = approval;
        log.info({ team_id, approval_id: id, error: messageOf(error) }, 'decision waits for its agent');
      })
      .finally(() => deliveries.delete(approval.id));
    deliveries.set(approval.id, delivery);
    return delivery;
  }

  async function tell(approval: ApprovalRow): Promise<void> {
    const bus = deps.busOf(approval.team_id);
    if (!bus?.connected) throw new CrewError('NATS_UNAVAILABLE', 'the bus is away');
    const answer = await bus.request(approval.agent, requestOf(approval), answerWithinMs);
    if (answer.ok) db.approvals.markDelivered(approval.id, new Date());
    else if (answer.code === 'APPROVAL_NOT_FOUND')
      end(approval, 'cancelled', 'Nobody waited for the decision any more.');
    else throw new CrewError('AGENT_FAILED', answer.error ?? 'the agent refused');
  }

  function end(before: ApprovalRow, status: 'cancelled' | 'expired', message: string): void {
    const told = db.transaction(() => {
      const row = db.approvals.end(before.id, { status, message }, new Date());
      if (!row) return undefined;
      return before.status === 'pending'
        ? announceDecision(db, row, 'system')
        : announceDecision(db, row, 'system', approvalCorrectionId(row.id));
    });
    publish([told]);
  }

  return {
    async decide(approval, decision) {
      const decided = store(approval, decision);
      await deliver(decided);
      return db.approvals.get(decided.team_id, decided.id) ?? decided;
    },
    kick(teamId) {
      if (!deps.busOf(teamId)?.connected) return;
      for (const approval of db.approvals.undelivered(teamId)) void deliver(approval);
    },
    cancel(teamId, reason, agent) {
      for (const approval of db.approvals.open(teamId, agent)) end(approval, 'cancelled', reason);
    },
    expireOverdue(now) {
      const overdue = db.approvals.overdue(new Date(now.getTime() - graceMs));
      for (const approval of overdue) end(approval, 'expired', 'Nobody answered in time.');
    },
    async idle() {
      await Promise.all(deliveries.values());
    },
  };
}

function requestOf({ id, status, scope, message, updated_input }: ApprovalRow) {
  return {
    type: 'approval' as const,
    approval_id: id,
    decision: status === 'allowed' ? ('allow' as const) : ('deny' as const),
    scope: scope ?? ('once' as const),
    ...(message && { message }),
    ...(updated_input && { updated_input }),
  };
}

function alreadyDecided({ status }: ApprovalRow): CrewError {
  const what = status === 'pending' ? 'expired' : status;
  return new CrewError('APPROVAL_DECIDED', `the approval is not pending any more: ${what}`, {
    details: { status: what },
  });
}
