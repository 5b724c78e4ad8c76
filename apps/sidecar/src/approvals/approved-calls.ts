import { approvedBy, type Permissions } from '@agentcrew/permissions';
import type { ApprovalScope } from '@agentcrew/protocol';

type Lists = { approved_commands: string[]; approved_tools: string[] };

/** More answers than a person gives in a session; the oldest leaves. */
const keptEntries = 500;

/**
 * What a person has approved for more than once, as long as this process lives: for the Claude session, or for always
 * (the server writes that down, and the next process gets it with its permissions).
 */
export class ApprovedCalls {
  readonly #sessionId: () => string;
  readonly #always = empty();
  #session = empty();
  #sessionOf: string | undefined;

  constructor(sessionId: () => string) {
    this.#sessionId = sessionId;
  }

  remember(scope: ApprovalScope, tool: string, input: Record<string, unknown>): void {
    const approved = scope === 'once' ? undefined : approvedBy({ tool, input });
    if (!approved) return;
    const lists = scope === 'always' ? this.#always : this.#ofSession();
    if ('approved_commands' in approved) add(lists.approved_commands, approved.approved_commands);
    else add(lists.approved_tools, approved.approved_tools);
  }

  /** The permissions with what was approved since. */
  addedTo(permissions: Permissions): Permissions {
    const session = this.#ofSession();
    const merged = (list: keyof Lists) => [...permissions[list], ...this.#always[list], ...session[list]];
    return {
      ...permissions,
      approved_commands: merged('approved_commands'),
      approved_tools: merged('approved_tools'),
    };
  }

  /** Empty again when the session is another one. */
  #ofSession(): Lists {
    const id = this.#sessionId();
    if (id !== this.#sessionOf) this.#session = empty();
    this.#sessionOf = id;
    return this.#session;
  }
}

function empty(): Lists {
  return { approved_commands: [], approved_tools: [] };
}

function add(list: string[], entries: string[]): void {
  for (const entry of entries) if (!list.includes(entry)) list.push(entry);
  list.splice(0, list.length - keptEntries);
}
