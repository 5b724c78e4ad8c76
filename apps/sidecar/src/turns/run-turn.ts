import type { ClaudeProcess, TurnResult } from '@agentcrew/claude';
import type { AgentLimits } from '@agentcrew/protocol';
import type { Waiting } from '../approvals/waiting.ts';
import type { CliEvents } from '../cli-events.ts';
import { pause } from '../pause.ts';
import type { TurnEnd } from './turn-end.ts';
import { Watchdog } from './watchdog.ts';

/** How long an interrupted turn may take to its result, in milliseconds. */
const defaultGraceMs = 5_000;
const repeatMs = 500;

export interface TurnRun {
  claude: ClaudeProcess;
  content: string | string[];
  uuid: string;
  end: TurnEnd;
  limits: AgentLimits;
  events: CliEvents;
  /** Whether a person is waited for. */
  waiting: Waiting;
  graceMs?: number;
}

/**
 * Runs one turn on the CLI, to its result or until its end is wanted.
 *
 * @returns the result; `undefined` when the end was wanted and the CLI did not obey: it should be discarded
 * @throws CrewError `CLI_FAILED` when the CLI died by itself
 */
export async function runTurn(run: TurnRun): Promise<TurnResult | undefined> {
  const { claude, content, uuid, end, limits, events, waiting } = run;
  const watchdog = new Watchdog(limits, (reason) => end.want(reason));
  const listening = events.listen((event) => watchdog.see(event));
  const pausing = waiting.listen((now) => watchdog.wait(now));
  try {
    const finished = claude.turn({ content, uuid });
    const ended = end.wanted.then(() => interrupt(claude, finished, run.graceMs ?? defaultGraceMs));
    return await Promise.race([finished, ended]);
  } finally {
    listening[Symbol.dispose]();
    pausing[Symbol.dispose]();
    watchdog[Symbol.dispose]();
  }
}

/** The wish is repeated: one that comes before the CLI has begun the turn passes without effect. */
async function interrupt(
  claude: ClaudeProcess,
  finished: Promise<TurnResult>,
  graceMs: number,
): Promise<TurnResult | undefined> {
  const died = () => undefined;
  const repeat = setInterval(() => claude.interrupt().catch(died), repeatMs);
  claude.interrupt().catch(died);
  const tooLate = pause(graceMs).then(() => undefined);
  return Promise.race([finished.catch(died), tooLate]).finally(() => clearInterval(repeat));
}
