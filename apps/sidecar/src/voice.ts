import { randomUUID } from 'node:crypto';
import {
  type AgentActivity,
  type AgentSpec,
  type Envelope,
  type McpStatusPayload,
  type ReplyPayload,
  replyIdFor,
  type SkillStatusPayload,
  type Spent,
} from '@agentcrew/protocol';
import type { ActivityDraft } from './activity.ts';
import type { Outbox } from './outbox.ts';
import type { Redactor } from './redactor.ts';

/** Makes the agent's envelopes, the only place that does; nothing secret gets into one. */
export class Voice {
  readonly #spec: AgentSpec;
  readonly #redactor: Redactor;
  readonly #outbox: Outbox;
  #status: AgentActivity | undefined;

  constructor(spec: AgentSpec, redactor: Redactor, outbox: Outbox) {
    this.#spec = spec;
    this.#redactor = redactor;
    this.#outbox = outbox;
  }

  /** What the agent is doing, as told last. */
  get status(): AgentActivity {
    return this.#status ?? 'starting';
  }

  /** Tells what the agent is doing, when that changed. */
  tellStatus(activity: AgentActivity): void {
    if (activity === this.#status) return;
    this.#status = activity;
    this.#outbox.post('status', this.#envelope('status_update', { activity }));
  }

  /** Tells what the agent has spent in all, the running turn included. */
  tellSpent(spent: Spent): void {
    this.#outbox.post('status', this.#envelope('status_update', { activity: this.status, spent }));
  }

  /** Tells one thing the agent did. */
  tellActivity(draft: ActivityDraft): void {
    const payload = { ...draft, agent_name: this.#spec.agent_name, timestamp: new Date().toISOString() };
    this.#outbox.post('activity', this.#envelope('activity_event', payload));
  }

  /** Tells how the MCP servers are. */
  tellMcpStates(servers: McpStatusPayload['servers']): void {
    this.#outbox.post('activity', this.#envelope('mcp_status', { agent_name: this.#spec.agent_name, servers }));
  }

  /** Tells how the skills are. */
  tellSkillStatuses(skills: SkillStatusPayload['skills']): void {
    this.#outbox.post('activity', this.#envelope('skill_status', { agent_name: this.#spec.agent_name, skills }));
  }

  /** The one reply to a message. */
  replyTo(message: Envelope, payload: ReplyPayload): Envelope {
    const type = message.type === 'user_message' ? 'leader_response' : 'task_result';
    return this.#envelope(type, payload, {
      message_id: replyIdFor(message.message_id),
      ref_message_id: message.message_id,
      to: message.from,
    });
  }

  /** What the agent says to another one of its team. */
  toTeammate(
    type: 'task_assignment' | 'question' | 'context_share',
    to: string,
    payload: Envelope['payload'],
    more: Partial<Envelope>,
  ): Envelope {
    return this.#envelope(type, payload, { ...more, to });
  }

  /** Publishes a reply; resolves when it is stored. */
  answer(reply: Envelope): Promise<void> {
    return this.#outbox.reply(reply);
  }

  /** Asks a person, or tells what became of that; resolves when it is stored. */
  tellApproval(
    type: 'approval_request' | 'approval_decision',
    payload: Envelope['payload'],
    ids: Pick<Envelope, 'message_id' | 'ref_message_id'>,
  ): Promise<void> {
    return this.#outbox.keep('approval', this.#envelope(type, payload, { ...ids, to: 'user' }));
  }

  #envelope(type: Envelope['type'], payload: Envelope['payload'], more: Partial<Envelope> = {}): Envelope {
    const ids = { message_id: randomUUID(), from: this.#spec.agent, to: 'system' };
    return this.#redactor.data({ ...ids, ...more, type, payload, timestamp: new Date().toISOString() });
  }
}
