import { messageOf } from '@agentcrew/protocol';
import type { AgentStatus } from '../runtime.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { LocalAgents } from './agents.ts';

const pollMs = 1_000;

/**
 * Looks at all agents every second and reports those whose state is another than before; the first look reports
 * every agent. Agents in the midst of a deploy or a stop are looked at when that is done.
 */
export function watchAgents(
  agents: LocalAgents,
  onChange: (change: AgentStatus) => void,
  log: RuntimeLogger,
): Disposable {
  const known = new Map<string, AgentStatus>();
  let looking = false;
  let disposed = false;

  function report(status: AgentStatus): void {
    if (disposed) return;
    try {
      onChange(status);
    } catch (error) {
      log.error({ agent: status.id, err: messageOf(error) }, 'a change of an agent could not be handled');
    }
  }

  async function look(): Promise<void> {
    const current = new Map((await agents.recorded()).map((status) => [status.id, status]));
    for (const [id, status] of current) {
      if (agents.isBusy(id) || known.get(id)?.state === status.state) continue;
      known.set(id, status);
      report(status);
    }
    for (const [id, status] of known) {
      if (current.has(id) || agents.isBusy(id)) continue;
      known.delete(id);
      report({ id, team: status.team, agent: status.agent, state: 'stopped' });
    }
  }

  async function tick(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      await look();
    } catch (error) {
      log.error({ err: messageOf(error) }, 'agents could not be looked at');
    } finally {
      looking = false;
    }
  }

  const timer = setInterval(() => void tick(), pollMs).unref();
  void tick();
  return {
    [Symbol.dispose]() {
      disposed = true;
      clearInterval(timer);
    },
  };
}
