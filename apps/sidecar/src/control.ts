import type { AgentActivity, BudgetState, ControlRequest, ControlResponse } from '@agentcrew/protocol';

export interface Controls {
  status(): { activity: AgentActivity; session_id: string; current_message_id: string | undefined };
  /** Ends the running turn; `false` when none runs. */
  interrupt(reason?: string): boolean;
  /** Ends the running turn and waits for its reply; takes no more messages, and waits for the end of the process. */
  shutDown(reason?: string): Promise<void>;
  tellBudget(budget: BudgetState): void;
}

/** Answers requests to the agent. Every one may be repeated: what is already so is no error. */
export async function answerControl(request: ControlRequest, controls: Controls): Promise<ControlResponse> {
  switch (request.type) {
    case 'status':
      return { ok: true, ...controls.status() };
    case 'interrupt':
      return controls.interrupt(request.reason) ? { ok: true } : { ok: true, error: 'No turn is running.' };
    case 'shutdown':
      await controls.shutDown(request.reason);
      return { ok: true };
    case 'budget':
      controls.tellBudget(request.budget);
      return { ok: true };
  }
}
