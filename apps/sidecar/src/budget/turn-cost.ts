import { noUsage, type ReplyPayload, type Spent, spentBy, type Usage } from '@agentcrew/protocol';

/** What (a part of) a turn has cost; absent: nothing is known. */
export type Cost = Pick<ReplyPayload, 'usage' | 'cost_usd'>;

/**
 * What the attempts at a turn cost that ended without its reply: a CLI that died, or that met the account's limit. It was
 * spent all the same, so it counts for the budgets, and the reply carries it.
 */
export class TurnCost {
  #cost: Cost = {};

  add(cost: Cost): void {
    this.#cost = sumOfCosts(this.#cost, cost);
  }

  /** In the units of a budget; the turn itself counts once it has its reply. */
  get spent(): Spent {
    return { ...spentBy(this.#cost.usage, this.#cost.cost_usd), turns: 0 };
  }

  /** The reply with all that its turn has cost. */
  in(reply: ReplyPayload): ReplyPayload {
    return { ...reply, ...sumOfCosts(this.#cost, reply) };
  }
}

function sumOfCosts(a: Cost, b: Cost): Cost {
  const usage = a.usage && b.usage ? sumOfUsages(a.usage, b.usage) : (a.usage ?? b.usage);
  const known = [a.cost_usd, b.cost_usd].filter((usd) => usd !== undefined);
  return {
    ...(usage && { usage }),
    ...(known.length > 0 && { cost_usd: known.reduce((sum, usd) => sum + usd) }),
  };
}

export function sumOfUsages(a: Usage, b: Usage): Usage {
  const sum = { ...noUsage };
  for (const key of Object.keys(sum) as (keyof Usage)[]) sum[key] = a[key] + b[key];
  return sum;
}
