import { render } from './placeholders.ts';

/** Scheme, host and port, as they are written. Without a host, a URL takes the first part of its path for it. */
const beforePath = /^https?:\/\/[^/?#]+/i;

/**
 * Why a URL with placeholders cannot be called, as the end of a sentence; `undefined` when it can. Placeholders are for
 * path and query: who writes the answer of an agent must not choose the host.
 */
export function urlProblem(template: string): string | undefined {
  if (/[\s\p{Cc}\\]/u.test(template)) return 'must not contain blanks, control characters or "\\"';
  const origin = beforePath.exec(template)?.[0];
  const url = URL.parse(render(template, {}, () => 'x'));
  if (origin === undefined || url === null) return 'must be an http or https URL';
  if (/[{}]/.test(origin)) return 'must not have a placeholder in its host';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials; use auth_type basic';
  return undefined;
}
