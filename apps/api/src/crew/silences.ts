import type { AgentRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { CrewError } from '@agentcrew/protocol';

/** An agent answers within milliseconds, also in the middle of a turn. */
const answerMs = 2_000;

/**
 * Which agents run and do not answer: frozen, or stuck. One that its bus does not know just now waits for its bus, and will
 * come back by itself. Kept in memory, for each agent id.
 */
export interface Silences {
  /** Asks each agent that is not being asked already; the answers are not waited for. */
  ask(bus: TeamBus, agents: Pick<AgentRow, 'id' | 'slug'>[]): void;
  /** Whether the agent has not answered when it was asked last. */
  isSilent(agentId: string): boolean;
  /** Whether it has answered nothing for `limitMs`. */
  isLost(agentId: string): boolean;
  /** The agent has another process now. */
  forget(agentId: string): void;
}

interface Conversation {
  asking: boolean;
  /** When the first question without an answer was asked. */
  silentSince: number | undefined;
}

export function createSilences(limitMs: number, now: () => number = () => performance.now()): Silences {
  const conversations = new Map<string, Conversation>();

  function conversationWith(agentId: string): Conversation {
    const present = conversations.get(agentId) ?? { asking: false, silentSince: undefined };
    conversations.set(agentId, present);
    return present;
  }

  async function askOne(bus: TeamBus, slug: string, conversation: Conversation): Promise<void> {
    const began = now();
    conversation.asking = true;
    const failure: unknown = await bus.request(slug, { type: 'status' }, answerMs).then(
      () => undefined,
      (error) => error,
    );
    conversation.asking = false;
    const unheard = failure instanceof CrewError && failure.code === 'AGENT_UNRESPONSIVE' && bus.connected;
    conversation.silentSince = unheard ? (conversation.silentSince ?? began) : undefined;
  }

  return {
    ask(bus, agents) {
      for (const { id, slug } of agents) {
        const conversation = conversationWith(id);
        if (!conversation.asking) void askOne(bus, slug, conversation);
      }
    },
    isSilent: (agentId) => conversations.get(agentId)?.silentSince !== undefined,
    isLost: (agentId) => now() - (conversations.get(agentId)?.silentSince ?? Number.POSITIVE_INFINITY) >= limitMs,
    forget: (agentId) => void conversations.delete(agentId),
  };
}
