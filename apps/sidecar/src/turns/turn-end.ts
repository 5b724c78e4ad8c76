import type { ErrorCode } from '@agentcrew/protocol';

/** Why a turn is ended before Claude has finished it; becomes its reply. */
export type EndReason = {
  status: 'failed' | 'interrupted';
  code: ErrorCode;
  /** For a person: what happened, and what to do. */
  error: string;
};

/** The wish to end one turn early; whoever comes first gives the reason. */
export class TurnEnd {
  readonly #wish = Promise.withResolvers<EndReason>();
  #reason: EndReason | undefined;

  /** Resolves when somebody wants the turn to end. */
  get wanted(): Promise<EndReason> {
    return this.#wish.promise;
  }

  get reason(): EndReason | undefined {
    return this.#reason;
  }

  want(reason: EndReason): void {
    this.#reason ??= reason;
    this.#wish.resolve(this.#reason);
  }
}
