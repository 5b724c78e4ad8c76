import type { ClaudeProcess } from '@agentcrew/claude';
import { CrewError } from '@agentcrew/protocol';
import type { Log } from './log.ts';
import type { Session } from './session.ts';

/**
 * Starts a CLI in the agent's session. A session that Claude Code does not know any more is given up for a new one:
 * the agent forgets the conversation, but goes on working.
 */
export async function startInSession(options: {
  session: Session;
  start: (sessionId: string) => Promise<ClaudeProcess>;
  onLost: () => void;
  log: Log;
}): Promise<ClaudeProcess> {
  const { session, start, onLost, log } = options;
  try {
    return await start(session.id);
  } catch (error) {
    if (!isSessionUnknown(error)) throw error;
    const lost = session.id;
    log.warn({ session_id: lost, new_session_id: session.renew() }, 'Claude does not know the session any more');
    onLost();
    return start(session.id);
  }
}

function isSessionUnknown(error: unknown): boolean {
  if (!(error instanceof CrewError) || typeof error.details !== 'object') return false;
  return error.details !== null && 'reason' in error.details && error.details.reason === 'session_unknown';
}
