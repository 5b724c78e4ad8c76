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
