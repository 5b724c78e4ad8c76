import { randomUUID } from 'node:crypto';
import { type ApprovalDecisionPayload, approvalDecisionId, type Envelope } from '@agentcrew/protocol';
import { envelope } from './rows.ts';

const hour = 3_600_000;

/** What the leader asks a person, unless told otherwise. */
export function approvalRequest(payload: Record<string, unknown> = {}, values: Partial<Envelope> = {}): Envelope {
  const id = randomUUID();
  return envelope({
    message_id: id,
    type: 'approval_request',
    ref_message_id: 'm1',
    payload: {
      approval_id: id,
      type: 'tool',
      tool: 'Bash',
      input: { command: 'npm test' },
      reason: 'npm test',
      expires_at: new Date(Date.now() + hour).toISOString(),
      ...payload,
    },
    ...values,
  });
}

const colour = { question: 'Which colour?', header: 'Colour', options: [{ label: 'Red' }, { label: 'Blue' }] };

export function question(): Envelope {
  const input = { questions: [colour] };
  return approvalRequest({ type: 'question', tool: 'AskUserQuestion', input, questions: [colour] });
}

/** What the leader says became of it. */
export function approvalEnd(
  request: Envelope,
  status: ApprovalDecisionPayload['status'],
  values: Partial<Envelope> = {},
): Envelope {
  return envelope({
    message_id: approvalDecisionId(request.message_id),
    type: 'approval_decision',
    ref_message_id: request.message_id,
    payload: { approval_id: request.message_id, status, message: `it was ${status}` },
    ...values,
  });
}
