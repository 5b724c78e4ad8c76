import type { ApprovalRow, Database, MessageRow } from '@agentcrew/models';
import {
  approvalCorrectionId,
  approvalDecisionId,
  approvalDecisionPayloadSchema,
  approvalRequestPayloadSchema,
  type Envelope,
} from '@agentcrew/protocol';

/** Why the envelope cannot be recorded, when it is about an approval; only readable ones of the agent itself can. */
export function approvalProblem(envelope: Envelope, kind: string): string | undefined {
  const schema = schemas.get(envelope.type);
  if (!schema) return undefined;
  if (kind !== 'approval') return `${envelope.type} does not belong on ${kind}`;
  return schema.safeParse(envelope.payload).success ? undefined : `unreadable ${envelope.type}`;
}

const schemas = new Map<string, typeof approvalRequestPayloadSchema | typeof approvalDecisionPayloadSchema>([
  ['approval_request', approvalRequestPayloadSchema],
  ['approval_decision', approvalDecisionPayloadSchema],
]);

/**
 * Writes down what an agent says about an approval, in the transaction that stores its message.
 * @returns a further message to announce, when the agent's words take back what was told before.
 */
export function recordApproval(db: Database, teamId: string, envelope: Envelope): MessageRow | undefined {
  if (envelope.type === 'approval_request') recordRequest(db, teamId, envelope);
  return envelope.type === 'approval_decision' ? recordDecision(db, teamId, envelope) : undefined;
}

function recordRequest(db: Database, teamId: string, envelope: Envelope): void {
  const { approval_id, type, tool, input, reason, questions, expires_at } = approvalRequestPayloadSchema.parse(
    envelope.payload,
  );
  db.approvals.insert({
    id: approval_id,
    team_id: teamId,
    agent: envelope.from,
    message_id: envelope.ref_message_id ?? null,
    type,
    tool,
    input,
    questions: questions ?? null,
    reason,
    expires_at: new Date(expires_at),
  });
}

/** The agent knows how it ended: a person's decision that it has not got has no effect. */
function recordDecision(db: Database, teamId: string, envelope: Envelope): MessageRow | undefined {
  const { approval_id: id, status, message } = approvalDecisionPayloadSchema.parse(envelope.payload);
  const before = db.approvals.get(teamId, id);
  if (before?.agent !== envelope.from) return undefined;
  const asDecided = before.status === status;
  const after = db.approvals.end(id, asDecided ? { status } : { status, message: message ?? '' }, new Date());
  if (!after || before.status === 'pending' || asDecided) return undefined;
  return announceDecision(db, after, 'system', approvalCorrectionId(id));
}

/** Stores the message that tells how an approval ended; `undefined` when that is told already. */
export function announceDecision(
  db: Database,
  { id, team_id, agent, status, scope, message }: ApprovalRow,
  from: 'user' | 'system',
  messageId = approvalDecisionId(id),
): MessageRow | undefined {
  return db.messages.insert({
    team_id,
    message_id: messageId,
    from_agent: from,
    to_agent: agent,
    message_type: 'approval_decision',
    payload: { approval_id: id, status, ...(scope && { scope }), ...(message && { message }) },
    ref_message_id: id,
  });
}
