import { z } from 'zod';

/** One broken rule of a request. */
export interface Issue {
  /** zod's code, such as `invalid_type`. */
  keyword: string;
  /** Where, such as `/agents/0/name`; `/` for the whole. */
  instancePath: string;
  message?: string;
}

/**
 * Words zod's own rules as the end of a sentence that begins with the field's name, the way our schemas word theirs.
 * Set for the whole process, since zod keeps one configuration.
 */
export function wordRules(): void {
  z.config({ customError: wording });
}

function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${withArticle(String(issue.expected))}`;
    case 'invalid_value':
      return `must be one of ${(issue.values as unknown[]).map(String).join(', ')}`;
    case 'too_big':
      return `must be at most ${issue.maximum} ${unit(issue.origin)}`.trim();
    case 'too_small':
      return `must be at least ${issue.minimum} ${unit(issue.origin)}`.trim();
    case 'unrecognized_keys':
      return `has no field ${issue.keys.join(', ')}`;
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
}

function withArticle(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unit(origin: string): string {
  return origin === 'string' ? 'characters long' : origin === 'array' ? 'items long' : '';
}

/** The sentence a client shows for the first broken rule of a request's `body`, `querystring`, … */
export function validationMessage(issue: Issue, context: string | undefined): string {
  const field = fieldName(issue.instancePath);
  const rule = issue.message ?? 'is not valid';
  if (field === '')
    return context === 'body' ? 'invalid request body: a JSON object is required' : `invalid ${context}: ${rule}`;
  const sentence = `${field} ${rule}`;
  const mistyped = issue.keyword === 'invalid_type' && rule !== 'is required';
  return context === 'body' && mistyped ? `invalid request body: ${sentence}` : sentence;
}

/** `/agents/0/name` as `agents[0].name`. */
function fieldName(instancePath: string): string {
  return instancePath
    .split('/')
    .filter((part) => part !== '')
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/** The same sentence for something of a request that is checked by a schema of its own. */
export function ruleMessage(error: z.ZodError, field: string): string {
  const [issue] = error.issues;
  const instancePath = `/${[field, ...(issue?.path ?? [])].map(String).join('/')}`;
  return validationMessage({ keyword: '', instancePath, ...(issue && { message: issue.message }) }, undefined);
}
