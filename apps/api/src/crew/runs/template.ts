import { CrewError } from '@agentcrew/protocol';

/**
 * Fills `{{key}}` with the variable of that name. What a variable holds is text and is not filled again; a placeholder
 * without a variable stays as it is.
 * @throws CrewError INVALID_REQUEST when the prompt is empty or larger than `maxBytes`.
 */
export function renderPrompt(template: string, variables: Record<string, string>, maxBytes: number): string {
  const known = new Map(Object.entries(variables));
  const prompt = template.replaceAll(/\{\{([^{}]*)\}\}/g, (placeholder, key: string) => {
    return known.get(key) ?? known.get(key.trim()) ?? placeholder;
  });
  if (prompt.trim() === '') throw new CrewError('INVALID_REQUEST', 'the prompt is empty with these variables');
  const bytes = Buffer.byteLength(prompt);
  if (bytes <= maxBytes) return prompt;
  throw new CrewError('INVALID_REQUEST', `the prompt has ${bytes} bytes with these variables, of at most ${maxBytes}`);
}
