import type { HttpMethod } from '@agentcrew/models';
import { TargetRefused } from './connector.ts';

export interface OutgoingRequest {
  method: HttpMethod;
  url: URL;
  /** By names in lower case; values are as they go over the wire. */
  headers: Record<string, string>;
  /** Those that only the target itself may see. */
  secretHeaders: string[];
  body: string | undefined;
}

const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * The request that an answer redirects to; `undefined` when it does not. As browsers do it: 303, and 301 and 302 after a
 * POST, lead to a GET without a body. Another origin gets no credentials. Throws TargetRefused.
 */
export function redirected(
  request: OutgoingRequest,
  status: number,
  location: string | undefined,
): OutgoingRequest | undefined {
  if (!redirects.has(status) || location === undefined) return undefined;
  const url = URL.parse(location, request.url.href);
  if (!url || !/^https?:$/.test(url.protocol)) throw new TargetRefused('redirected to what is no http or https URL');
  url.username = '';
  url.password = '';
  const becomesGet = status === 303 || (status < 303 && request.method === 'POST');
  const next = becomesGet
    ? { ...request, url, method: 'GET' as const, body: undefined, headers: without(request.headers, ['content-type']) }
    : { ...request, url };
  if (url.origin === request.url.origin) return next;
  return { ...next, headers: without(next.headers, request.secretHeaders), secretHeaders: [] };
}

function without(headers: Record<string, string>, names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
