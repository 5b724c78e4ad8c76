import type { ClaudeOptions } from '@agentcrew/claude';
import type { Permissions } from '@agentcrew/permissions';
import { type ActivityDraft, denied } from './activity.ts';

export interface GateOptions {
  permissions: Permissions;
  /** Where tools run, and what `~` means to them. Absolute. */
  cwd: string;
  home: string;
  tellActivity: (draft: ActivityDraft) => void;
}

// Loaded with the first call: the parser of commands would add to the time that a sidecar takes to start.
const loadDecide = () => import('@agentcrew/permissions/decide');

/** Makes the first decision as fast as the others, once there is time for it. */
export function preloadGate(): void {
  // Should it fail, the first call fails with the same error, and is denied.
  loadDecide().catch(() => {});
}

/** Decides about every tool call before it runs; Claude and the live feed are told why one is denied. */
export function createGate({ permissions, cwd, home, tellActivity }: GateOptions): ClaudeOptions['decide'] {
  return async ({ tool, input }) => {
    const { decide } = await loadDecide();
    const decision = decide(permissions, { tool, input, cwd, home });
    if (decision.decision === 'allow') return { behavior: 'allow' };
    // Nobody can be asked yet, and nobody's answer means no.
    const asks = decision.decision === 'ask';
    const reason = asks ? `needs the approval of a person: ${decision.reason}` : decision.reason;
    tellActivity(denied(tool, input, reason));
    return { behavior: 'deny', message: reason };
  };
}
