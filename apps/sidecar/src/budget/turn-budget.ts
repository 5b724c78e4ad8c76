import type { ClaudeEvent, ClaudeProcess } from '@agentcrew/claude';
import { messageOf, noUsage, type Spent, spentBy, sumOf, type Usage, usageSchema } from '@agentcrew/protocol';
import type { Log } from '../log.ts';
import type { TurnEnd } from '../turns/turn-end.ts';
import type { Spending } from './spending.ts';
import { type Cost, sumOfUsages } from './turn-cost.ts';

export interface TurnBudgetOptions {
  spending: Spending;
  /** Told what the agent has spent in all, each time the model has answered. */
  onSpent: (spent: Spent) => void;
  log: Log;
}

interface Running {
  claude: ClaudeProcess;
  end: TurnEnd;
  /** What the session had cost before; `undefined` when the CLI does not say. */
  usdBefore: number | undefined;
  /** By earlier attempts at the turn. */
  before: Spent;
  usage: Usage;
  usd: number | undefined;
}

/**
 * Holds the running turn to the budgets: looked at each time the model has answered, and before a tool runs, so that no
 * further request is made once a limit is passed.
 */
export class TurnBudget {
  readonly #options: TurnBudgetOptions;
  #running: Running | undefined;
  #looking: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(options: TurnBudgetOptions) {
    this.#options = options;
  }

  /** Before the turn's message is given to the CLI; `before` is what earlier attempts have spent. */
  async begin(claude: ClaudeProcess, end: TurnEnd, before: Spent): Promise<void> {
    const usdBefore = await this.#costOf(claude);
    this.#running = { claude, end, usdBefore, before, usage: noUsage, usd: undefined };
  }

  /** @returns what the attempt has cost, as far as the CLI has told without a result. */
  finish(): Cost {
    const { usage = noUsage, usd } = this.#running ?? {};
    this.#running = undefined;
    return {
      ...(spentBy(usage, 0).tokens > 0 && { usage }),
      ...(usd !== undefined && { cost_usd: usd }),
    };
  }

  /** To be told of everything the CLI prints. */
  see(event: ClaudeEvent): void {
    if (!this.#running || event.type !== 'stream' || event.event.type !== 'message_delta') return;
    const usage = usageSchema.partial().safeParse(event.event.usage).data;
    const {
      input_tokens = 0,
      output_tokens = 0,
      cache_creation_input_tokens = 0,
      cache_read_input_tokens = 0,
    } = usage ?? {};
    const answer = { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens };
    this.#running.usage = sumOfUsages(this.#running.usage, answer);
    void this.check();
  }

  /** Ends the turn when a budget is used up. @returns why */
  async check(): Promise<string | undefined> {
    const running = this.#running;
    if (!running) return undefined;
    // One after another: a look that has begun does not see what was spent since.
    this.#looking = this.#looking.then(async () => this.#look(running));
    return await this.#looking;
  }

  async #look(running: Running): Promise<string | undefined> {
    const { spending, onSpent } = this.#options;
    const usd = await this.#costOf(running.claude);
    if (usd !== undefined && running.usdBefore !== undefined) running.usd = Math.max(0, usd - running.usdBefore);
    const spent = sumOf(running.before, { ...spentBy(running.usage, running.usd), turns: 0 });
    if (spending.teamHasBudget) onSpent(spending.total(spent));
    const problem = spending.problem(spent);
    if (problem) running.end.want({ status: 'failed', code: 'BUDGET_EXCEEDED', error: problem });
    return problem;
  }

  /** Asked only when it matters: it is a question to the CLI. */
  async #costOf(claude: ClaudeProcess): Promise<number | undefined> {
    const { spending, log } = this.#options;
    if (!spending.limits('usd')) return undefined;
    return await claude.sessionCost().catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'Claude Code does not say what the session costs');
      return undefined;
    });
  }
}
