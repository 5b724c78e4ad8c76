import type { TeamBus } from '@agentcrew/nats';

const answerMs = 1_000;
/** Agents that are asked at most. */
const limit = 32;

/**
 * Whether `target` already waits for this agent, itself or through others. The chain of a message shows who waits for
 * that message; two agents at work on different messages see each other only this way. Who does not answer waits for
 * nobody.
 */
export async function waitsFor(bus: TeamBus, target: string, self: string): Promise<boolean> {
  const asked = new Set<string>();
  for (let next = [target]; next.length > 0 && asked.size < limit; ) {
    for (const agent of next) asked.add(agent);
    const answers = await Promise.all(next.map((agent) => waitingFor(bus, agent)));
    const found = answers.flat();
    if (found.includes(self)) return true;
    next = [...new Set(found)].filter((agent) => !asked.has(agent));
  }
  return false;
}

async function waitingFor(bus: TeamBus, agent: string): Promise<string[]> {
  const answer = await bus.request(agent, { type: 'status' }, answerMs).catch(() => undefined);
  return answer?.waiting_for ?? [];
}
