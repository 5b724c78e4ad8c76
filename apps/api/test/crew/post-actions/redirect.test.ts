import { redirected } from '@agentcrew/api/crew/post-actions/redirect.ts';
import type { HttpMethod } from '@agentcrew/models';
import { expect, test } from 'vitest';

const request = {
  method: 'POST' as HttpMethod,
  url: new URL('https://example.org/a'),
  headers: { 'content-type': 'text/plain', authorization: 'Bearer t', 'x-team': 'docs' },
  secretHeaders: ['authorization'],
  body: 'text',
};

test.each([
  [301, 'POST', 'GET'],
  [302, 'POST', 'GET'],
  [303, 'POST', 'GET'],
  [303, 'PUT', 'GET'],
  [301, 'PUT', 'PUT'],
  [302, 'DELETE', 'DELETE'],
  [307, 'POST', 'POST'],
  [308, 'PATCH', 'PATCH'],
  [302, 'GET', 'GET'],
] as const)('%i after %s is %s', (status, method, expected) => {
  const next = redirected({ ...request, method }, status, '/b');
  const kept = method === expected;
  expect(next).toMatchObject({ method: expected, body: kept ? 'text' : undefined });
  expect(next?.url.href).toBe('https://example.org/b');
  expect(next?.headers).toEqual(kept ? request.headers : { authorization: 'Bearer t', 'x-team': 'docs' });
});

test.each([
  'https://other.org/b',
  'https://example.org:8443/b',
  'http://example.org/b',
  '//other.org/b',
  'https://user:pass@other.org/b',
])('%s gets no credentials', (location) => {
  const next = redirected(request, 307, location);
  expect(next?.headers).toEqual({ 'content-type': 'text/plain', 'x-team': 'docs' });
  expect(next?.url.username).toBe('');
  expect(next && redirected(next, 307, 'https://example.org/c')?.headers).not.toHaveProperty('authorization');
});

test.each(['ftp://example.org/', 'file:///etc/passwd', 'javascript:1', 'http://'])('%s is refused', (location) => {
  expect(() => redirected(request, 302, location)).toThrow('redirected to');
});

test('other answers are no redirects', () => {
  expect(redirected(request, 200, '/b')).toBeUndefined();
  expect(redirected(request, 304, '/b')).toBeUndefined();
  expect(redirected(request, 302, undefined)).toBeUndefined();
});
