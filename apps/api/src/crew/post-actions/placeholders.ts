import type { RunEnded } from '../runs/run-ended.ts';

/** What a template may stand `{{name}}` for: facts about the run that has ended. */
export const placeholderNames = [
  'status',
  'response',
  'error',
  'trigger_name',
  'trigger_type',
  'team_name',
  'run_id',
  'started_at',
  'finished_at',
  'prompt',
] as const;

export type Placeholders = Record<(typeof placeholderNames)[number], string>;

const pattern = new RegExp(`\\{\\{(${placeholderNames.join('|')})\\}\\}`, 'g');

/**
 * Puts the values in the place of the placeholders, in one pass: what a value holds is text, and no template. Unknown
 * placeholders stay as they are; `encode` makes a value fit for where it gets.
 */
export function render(
  template: string,
  values: Partial<Record<string, string>>,
  encode: (value: string) => string,
): string {
  return template.replace(pattern, (_match, name: string) => encode(values[name] ?? ''));
}

/** In characters. What agents answer may be long, and is kept once for each binding. */
const longestValue = 262_144;

/** What the placeholders stand for after this run. */
export function placeholdersOf({ run, ...trigger }: RunEnded): Placeholders {
  return {
    status: run.status,
    response: run.response_received.slice(0, longestValue),
    error: run.error.slice(0, longestValue),
    trigger_name: trigger.trigger_name,
    trigger_type: trigger.trigger_type,
    team_name: trigger.team_name,
    run_id: run.id,
    started_at: run.started_at.toISOString(),
    finished_at: run.finished_at.toISOString(),
    prompt: run.prompt_sent.slice(0, longestValue),
  };
}
