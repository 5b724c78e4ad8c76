import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast, type BudgetState, nothingSpent, type Spent, spentSchema, sumOf, usedUp } from '@agentcrew/protocol';
import { writeFileAtomically } from '../atomic-file.ts';

export interface SpendingOptions {
  stateFolder: string;
  /** For messages to a person. */
  agentName: string;
  /** As of the start of the process. */
  told: BudgetState | undefined;
}

/**
 * What the agent has spent, and what it may. The agent counts for itself, so that it keeps within its budget while the
 * server is away; of the rest of its team it knows what it was told last.
 */
export class Spending {
  readonly #file: string;
  readonly #agentName: string;
  #state: BudgetState | undefined;
  #own: Spent;

  constructor({ stateFolder, agentName, told }: SpendingOptions) {
    this.#file = join(stateFolder, 'spending.json');
    this.#agentName = agentName;
    this.#own = this.#read() ?? nothingSpent;
    if (told) this.tell(told);
  }

  /** The server's view. What the agent has counted beyond that is on its way to the server. */
  tell(state: BudgetState): void {
    this.#state = state;
    this.#own = atLeast(this.#own, state.spent);
  }

  /** A turn has ended. */
  add(turn: Spent): void {
    this.#own = sumOf(this.#own, turn);
    writeFileAtomically(this.#file, JSON.stringify(this.#own));
  }

  /** Whether there is a limit in this unit. */
  limits(unit: keyof Spent): boolean {
    return this.#state?.agent?.[unit] !== undefined || this.#state?.team?.[unit] !== undefined;
  }

  get teamHasBudget(): boolean {
    return this.#state?.team !== undefined && Object.keys(this.#state.team).length > 0;
  }

  /** All of the agent's own, with what the running turn has spent. */
  total(running: Spent): Spent {
    return sumOf(this.#own, running);
  }

  /** Which budget is used up, for a person; `undefined` when there is something left of each. */
  problem(running: Spent = nothingSpent): string | undefined {
    const own = this.total(running);
    const { agent, team, others = nothingSpent } = this.#state ?? {};
    const ofAgent = usedUp(agent, own);
    if (ofAgent) return `The budget of agent ${this.#agentName} is used up: ${ofAgent}. ${remedy}`;
    const ofTeam = usedUp(team, sumOf(own, others));
    return ofTeam && `The budget of the team is used up: ${ofTeam}. ${remedy}`;
  }

  #read(): Spent | undefined {
    try {
      return spentSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return undefined;
    }
  }
}

const remedy = 'Raise it, then send the message again.';
