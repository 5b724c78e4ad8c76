import type { ClaudeOptions } from '@agentcrew/claude';
import type { Permissions } from '@agentcrew/permissions';
import { type ActivityDraft, denied } from './activity.ts';

export interface GateOptions {
  permissions: Permissions;
  /** Where tools run, and what `~` means to them. Absolute. */
  cwd: string;
  home: string;
  tellActivity: (draft: ActivityDraft) => void;
  /** Why no tool may run now, whatever it is. */
  refuseAll: () => Promise<string | undefined>;
}

/** Decides about every tool call before it runs; Claude and the live feed are told why one is denied. */
export function createGate({ permissions, cwd, home, tellActivity, refuseAll }: GateOptions): ClaudeOptions['decide'] {
  return async ({ tool, input }) => {
    const refused = await refuseAll();
    if (refused !== undefined) return { behavior: 'deny', message: refused };
    // Loaded with the first call: the parser of commands would add to the time that a sidecar takes to start.
    const { decide } = await import('@agentcrew/permissions/decide');
    const decision = decide(permissions, { tool, input, cwd, home });
    if (decision.decision === 'allow') return { behavior: 'allow' };
    // Nobody can be asked yet, and nobody's answer means no.
    const asks = decision.decision === 'ask';
    const reason = asks ? `needs the approval of a person: ${decision.reason}` : decision.reason;
    tellActivity(denied(tool, input, reason));
    return { behavior: 'deny', message: reason };
  };
}
