import type {
  AgentActivity,
  AgentMcpServer,
  ApprovalAnswer,
  BudgetState,
  ControlRequest,
  ControlResponse,
  FileRequest,
  Skill,
} from '@agentcrew/protocol';

export interface Controls {
  status(): Omit<ControlResponse, 'ok'> & { activity: AgentActivity };
  /** Hands a person's answer to the call that waits for it; `false` when none does. */
  answerApproval(answer: ApprovalAnswer): boolean;
  /** Ends the running turn, or with an id only that of this message; `false` when it does not run. */
  interrupt(reason?: string, messageId?: string): boolean;
  /** Ends the running turn and waits for its reply; takes no more messages, and waits for the end of the process. */
  shutDown(reason?: string): Promise<void>;
  tellBudget(budget: BudgetState): void;
  /** Never rejects: what is refused is answered so. */
  answerFiles(request: FileRequest): Promise<ControlResponse>;
  /** From the next turn on. */
  tellInstructions(instructions: string): void;
  tellMcpServers(servers: AgentMcpServer[]): void;
  tellSkills(skills: Skill[]): void;
  /** Resolves when the installer has ended. */
  installSkill(skill: Skill): Promise<{ output: string; problem?: string }>;
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
    case 'approval':
      if (controls.answerApproval(request)) return { ok: true };
      return { ok: false, code: 'APPROVAL_NOT_FOUND', error: 'Nobody waits for this answer any more.' };
    case 'shutdown':
      await controls.shutDown(request.reason);
      return { ok: true };
    case 'budget':
      controls.tellBudget(request.budget);
      return { ok: true };
    case 'put_file':
    case 'keep_files':
    case 'discard_files':
    case 'list_folder':
    case 'read_file':
      return controls.answerFiles(request);
    case 'instructions':
      controls.tellInstructions(request.instructions);
      return { ok: true };
    case 'mcp_servers':
      controls.tellMcpServers(request.servers);
      return { ok: true };
    case 'skills':
      controls.tellSkills(request.skills);
      return { ok: true };
    case 'install_skill': {
      const { output, problem } = await controls.installSkill(request.skill);
      return { ok: problem === undefined, output, ...(problem !== undefined && { error: problem }) };
    }
  }
}
