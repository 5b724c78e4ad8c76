import { validationMessage } from '@agentcrew/api/validation-message.ts';
import { expect, test } from 'vitest';

test.each([
  [{ keyword: 'custom', instancePath: '/name', message: 'is required' }, 'body', 'name is required'],
  [{ keyword: 'invalid_type', instancePath: '/name', message: 'is required' }, 'body', 'name is required'],
  [
    { keyword: 'invalid_type', instancePath: '/name', message: 'must be a string' },
    'body',
    'invalid request body: name must be a string',
  ],
  [{ keyword: 'custom', instancePath: '/agents/0/name', message: 'is required' }, 'body', 'agents[0].name is required'],
  [{ keyword: 'custom', instancePath: '/a/b/12/c', message: 'is bad' }, 'body', 'a.b[12].c is bad'],
  [{ keyword: 'custom', instancePath: '/x' }, 'body', 'x is not valid'],
  [
    { keyword: 'invalid_type', instancePath: '/', message: 'is required' },
    'body',
    'invalid request body: a JSON object is required',
  ],
  [
    { keyword: 'invalid_type', instancePath: '', message: 'must be an object' },
    'body',
    'invalid request body: a JSON object is required',
  ],
  [
    { keyword: 'invalid_format', instancePath: '/limit', message: 'must be a whole number' },
    'querystring',
    'limit must be a whole number',
  ],
  [
    { keyword: 'invalid_type', instancePath: '/limit', message: 'must be a string' },
    'querystring',
    'limit must be a string',
  ],
])('%o of the %s', (issue, context, message) => {
  expect(validationMessage(issue, context)).toBe(message);
});
