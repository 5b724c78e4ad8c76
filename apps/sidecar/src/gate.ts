import type { ClaudeOptions, ToolDecision } from '@agentcrew/claude';
import type { Permissions } from '@agentcrew/permissions';
import { type ActivityDraft, denied } from './activity.ts';
import type { ApprovedCalls } from './approvals/approved-calls.ts';
import type { ApprovalBroker } from './approvals/broker.ts';

export interface GateOptions {
  permissions: Permissions;
  /** Where tools run, and what `~` means to them. Absolute. */
  cwd: string;
  home: string;
  broker: Pick<ApprovalBroker, 'ask'>;
  approved: ApprovedCalls;
  tellActivity: (draft: ActivityDraft) => void;
  /** Why no tool may run now, whatever it is. */
  refuseAll: () => Promise<string | undefined>;
}

// Loaded with the first call: the parser of commands would add to the time that a sidecar takes to start.
const loadDecide = () => import('@agentcrew/permissions/decide');

/** Makes the first decision as fast as the others, once there is time for it. */
export function preloadGate(): void {
  // Should it fail, the first call fails with the same error, and is denied.
  loadDecide().catch(() => {});
}

/** Decides about every tool call before it runs; Claude and the live feed are told why one is denied. */
export function createGate(options: GateOptions): ClaudeOptions['decide'] {
  const { permissions, cwd, home, broker, approved, tellActivity, refuseAll } = options;
  return async ({ tool, input }, signal) => {
    const refused = await refuseAll();
    if (refused !== undefined) return { behavior: 'deny', message: refused };
    const { decide } = await loadDecide();
    const judge = (given: Record<string, unknown>) =>
      decide(approved.addedTo(permissions), { tool, input: given, cwd, home });
    const deny = (reason: string): ToolDecision => {
      tellActivity(denied(tool, input, reason));
      return { behavior: 'deny', message: reason };
    };

    const decision = judge(input);
    if (decision.decision === 'allow') return { behavior: 'allow' };
    if (decision.decision === 'deny') return deny(decision.reason);
    const timeoutSeconds = permissions.approval_timeout_seconds;
    const outcome = await broker.ask({ tool, input, reason: decision.reason, timeoutSeconds }, signal);
    // Nobody reads the answer.
    if (outcome.status === 'cancelled') return { behavior: 'deny', message: outcome.message };
    if (outcome.status !== 'allowed') return deny(outcome.message);

    const final = outcome.updatedInput ?? input;
    // A person may change a call, but not into one that the permissions deny.
    const again = outcome.updatedInput ? judge(final) : decision;
    if (again.decision === 'deny') return deny(`the call as a person changed it: ${again.reason}`);
    approved.remember(outcome.scope, tool, final);
    return { behavior: 'allow', updatedInput: final };
  };
}
