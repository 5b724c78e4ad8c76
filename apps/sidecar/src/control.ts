import type { AgentActivity, ControlRequest, ControlResponse } from '@agentcrew/protocol';

export interface Controls {
  status(): {
    activity: AgentActivity;
    session_id: string;
    current_message_id: string | undefined;
    waiting_for: string[];
  };
  /** Ends the running turn, or with an id only that of this message; `false` when it does not run. */
  interrupt(reason?: string, messageId?: string): boolean;
  /** Ends the running turn and waits for its reply; takes no more messages, and waits for the end of the process. */
  shutDown(reason?: string): Promise<void>;
}

/** Answers requests to the agent. Every one may be repeated: what is already so is no error. */
export async function answerControl(request: ControlRequest, controls: Controls): Promise<ControlResponse> {
  switch (request.type) {
    case 'status':
      return { ok: true, ...controls.status() };
    case 'interrupt':
      return controls.interrupt(request.reason, request.message_id)
        ? { ok: true }
        : { ok: true, error: 'No turn is running.' };
    case 'shutdown':
      await controls.shutDown(request.reason);
      return { ok: true };
  }
}
