import type { TeamBus } from '@agentcrew/nats';
import { type ControlRequest, type ControlResponse, CrewError, messageOf } from '@agentcrew/protocol';

/** Asks a running agent, and gives what it answers. Throws AGENT_NOT_RUNNING when it cannot be reached in time. */
export async function askAgent(
  bus: TeamBus | undefined,
  agent: string,
  request: ControlRequest,
  withinMs: number,
): Promise<ControlResponse> {
  try {
    if (!bus?.connected) throw new CrewError('NATS_UNAVAILABLE', 'the bus of the team is away');
    return await bus.request(agent, request, withinMs);
  } catch (cause) {
    throw new CrewError('AGENT_NOT_RUNNING', `the agent cannot be reached: ${messageOf(cause)}`, { cause });
  }
}
