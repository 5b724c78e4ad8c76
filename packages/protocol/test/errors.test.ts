import { expect, test } from 'vitest';
import { CrewError, type ErrorCode, messageOf, statusOf } from '../src/index.ts';

test.each(Object.entries(statusOf))('%s has the status of an error: %i', (code, status) => {
  expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(600);
});

test.each([
  ['INVALID_REQUEST', 400],
  ['TEAM_NOT_FOUND', 404],
  ['TEAM_NAME_TAKEN', 409],
  ['TEAM_ALREADY_RUNNING', 409],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UPGRADE_REQUIRED', 426],
  ['INTERNAL', 500],
  ['STORAGE_UNAVAILABLE', 503],
] as [ErrorCode, number][])('clients rely on %s being %i', (code, status) => {
  expect(statusOf[code]).toBe(status);
});

test('an error carries its code, status, details and cause', () => {
  const cause = new Error('why');
  const error = new CrewError('TEAM_NOT_FOUND', 'team not found', { details: { id: 1 }, cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'CrewError',
    code: 'TEAM_NOT_FOUND',
    status: 404,
    message: 'team not found',
    details: { id: 1 },
    cause,
  });
});

test.each([
  [new Error('text'), 'text'],
  ['text', 'text'],
  [undefined, 'undefined'],
  [null, 'null'],
  [{ message: 'x' }, '[object Object]'],
])('the text of what was thrown: %j', (thrown, text) => {
  expect(messageOf(thrown)).toBe(text);
});
