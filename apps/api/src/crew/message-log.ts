import { randomUUID } from 'node:crypto';
import type { AgentRow, Database, MessageRow } from '@agentcrew/models';
import {
  type Envelope,
  type ErrorCode,
  type FileRef,
  type ReplyPayload,
  replyIdFor,
  replyPayloadSchema,
} from '@agentcrew/protocol';
import type { Address } from './addressee.ts';
import { recordReport } from './agent-reports.ts';
import { recordApproval } from './approval-record.ts';
import type { Hub } from './hub.ts';

/** What a client asks an agent. */
export interface ChatMessage extends Address {
  content: string;
  idempotencyKey?: string | undefined;
  /** What is in the agent's workspace for it. */
  files?: FileRef[] | undefined;
}

/** What a schedule or a webhook asks. */
export interface Prompt extends Address {
  content: string;
  source: 'scheduler' | 'webhook';
  runId: string;
}

/** The durable log of all teams: whatever is stored is then told to the hub's listeners, once. */
export interface MessageLog {
  /** Stores a chat message that waits for its delivery; its key must be new to the team. */
  acceptChat(teamId: string, chat: ChatMessage): MessageRow;
  /** The same for the prompt of a run; what `alongside` writes is stored with it or not at all. */
  acceptPrompt(teamId: string, prompt: Prompt, alongside: (row: MessageRow) => void): MessageRow;
  /** Stores what came over the bus; a copy of a stored message is ignored. Counts the usage of a reply. */
  storeEnvelope(teamId: string, envelope: Envelope, agent: AgentRow | undefined): MessageRow | undefined;
  /** Answers a message on behalf of its agent, unless it is answered already. */
  storeFailure(message: MessageRow, from: string, code: ErrorCode, error: string): MessageRow | undefined;
}

export function createMessageLog(db: Database, hub: Hub): MessageLog {
  function announce(row: MessageRow | undefined): MessageRow | undefined {
    if (row) hub.publish(row);
    return row;
  }

  function insertInput(
    teamId: string,
    { to, addresseeId }: Address,
    payload: Record<string, unknown>,
    key?: string,
  ): MessageRow {
    const row = db.messages.insert({
      team_id: teamId,
      message_id: randomUUID(),
      from_agent: 'user',
      to_agent: to,
      addressee_id: addresseeId,
      message_type: 'user_message',
      payload,
      delivery: 'pending',
      idempotency_key: key ?? null,
    });
    if (!row) throw new Error('a new message id was taken');
    return row;
  }

  return {
    acceptChat(teamId, { content, idempotencyKey, files, ...address }) {
      const row = insertInput(teamId, address, { content, ...(files && { files }) }, idempotencyKey);
      hub.publish(row);
      return row;
    },

    acceptPrompt(teamId, { content, source, runId, ...address }, alongside) {
      const stored = db.transaction(() => {
        const row = insertInput(teamId, address, { content, source, scheduled_run_id: runId });
        alongside(row);
        return row;
      });
      hub.publish(stored);
      return stored;
    },

    storeEnvelope(teamId, envelope, agent) {
      const { row, further } = db.transaction(() => {
        const inserted = db.messages.insert({
          team_id: teamId,
          message_id: envelope.message_id,
          from_agent: envelope.from,
          to_agent: envelope.to,
          message_type: envelope.type,
          payload: envelope.payload,
          ref_message_id: envelope.ref_message_id ?? null,
          context: envelope.context ?? null,
        });
        if (inserted && agent) countUsage(db, agent, envelope);
        if (inserted && agent) recordReport(db, agent, envelope);
        return { row: inserted, further: recordApproval(db, teamId, envelope) };
      });
      announce(row);
      announce(further);
      return row;
    },

    storeFailure(message, from, code, error) {
      const payload: ReplyPayload = { status: 'failed', error, code };
      return announce(
        db.messages.insert({
          team_id: message.team_id,
          message_id: replyIdFor(message.message_id),
          from_agent: from,
          to_agent: message.from_agent,
          message_type: message.message_type === 'user_message' ? 'leader_response' : 'task_result',
          payload,
          ref_message_id: message.message_id,
        }),
      );
    },
  };
}

function countUsage(db: Database, agent: AgentRow, envelope: Envelope): void {
  if (envelope.type !== 'leader_response' && envelope.type !== 'task_result') return;
  const reply = replyPayloadSchema.safeParse(envelope.payload);
  if (!reply.success || !reply.data.usage) return;
  db.agents.addUsage(agent.id, { usage: reply.data.usage, cost_usd: reply.data.cost_usd ?? 0 });
}
