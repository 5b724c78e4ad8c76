import { readCron } from '@agentcrew/api/crew/runs/cron.ts';
import { expect, test } from 'vitest';

/** The next times after `from`. */
function times(expression: string, zone: string, from: string, count: number): string[] {
  const cron = readCron(expression, zone);
  const found: Date[] = [];
  for (let time = cron.next(new Date(from)); time && found.length < count; time = cron.next(time)) found.push(time);
  return found.map((time) => time.toISOString().slice(0, 16));
}

test.each([
  ['every minute', '* * * * *', ['2026-01-01T00:01', '2026-01-01T00:02']],
  ['lists, ranges and steps', '5,10 8-18/5 */2 * *', ['2026-01-01T08:05', '2026-01-01T08:10', '2026-01-01T13:05']],
  ['day of month and day of week must both match', '0 0 13 * 5', ['2026-02-13T00:00', '2026-03-13T00:00']],
  ['names', '0 9 * jan MON-FRI', ['2026-01-01T09:00', '2026-01-02T09:00', '2026-01-05T09:00']],
  ['Sunday is 0 and 7', '0 0 * * 7', ['2026-01-04T00:00', '2026-01-11T00:00']],
  ['the last day of the month', '0 0 L * *', ['2026-01-31T00:00', '2026-02-28T00:00']],
  ['the first Monday of the month', '0 0 * * MON#1', ['2026-01-05T00:00', '2026-02-02T00:00']],
  ['more than 48 hours ahead', '0 0 29 2 *', ['2028-02-29T00:00', '2032-02-29T00:00']],
])('%s', (_, expression, expected) => {
  expect(times(expression, 'UTC', '2026-01-01T00:00:30Z', expected.length)).toEqual(expected);
});

test.each([
  [
    'in spring a time that does not exist comes right after the gap',
    '30 2 * * *',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:30'],
  ],
  [
    'in autumn a time that comes twice is due once',
    '30 2 * * *',
    '2026-10-24T12:00Z',
    ['2026-10-25T00:30', '2026-10-26T01:30'],
  ],
  [
    'in spring every half hour goes on',
    '*/30 * * * *',
    '2026-03-29T00:00Z',
    ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30'],
  ],
  [
    'in autumn every half hour goes on',
    '*/30 * * * *',
    '2026-10-25T00:15Z',
    ['2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30'],
  ],
  [
    'the hour of a day keeps to the clock on the wall',
    '0 9 * * *',
    '2026-10-24T00:00Z',
    ['2026-10-24T07:00', '2026-10-25T08:00'],
  ],
])('Europe/Berlin: %s', (_, expression, from, expected) => {
  expect(times(expression, 'Europe/Berlin', from, expected.length)).toEqual(expected);
});

const transitions = [
  ['Europe/Berlin', '2026-03-28'],
  ['Europe/Berlin', '2026-10-24'],
  ['America/New_York', '2026-10-31'],
  ['Australia/Lord_Howe', '2026-04-04'],
  ['UTC', '2026-03-28'],
] as const;

test.each(['* * * * *', '*/7 * * * *', '30 2 * * *', '0,30 2 * * *', '15 1-4 * * *', '0 0 L * *'])(
  'what was missed is what was to come: %s',
  (expression) => {
    for (const [zone, day] of transitions) {
      const cron = readCron(expression, zone);
      const from = cron.next(new Date(`${day}T00:00:00Z`)) ?? new Date();
      const until = new Date(from.getTime() + 30 * 3_600_000);
      const forward: Date[] = [];
      for (let time: Date | undefined = from; time && time <= until; time = cron.next(time)) forward.push(time);
      expect(cron.between(from, until, 2_000)).toEqual(forward);
      expect(cron.between(from, until, 3)).toEqual(forward.slice(-3));
    }
  },
);

test('a date that is never reached has no next time', () => {
  for (const expression of ['0 0 30 2 *', '0 0 31 4,6 *', '0 0 1 * MON#5'])
    expect(readCron(expression, 'UTC').next(new Date())).toBeUndefined();
});

test.each([
  '',
  '* * *',
  '* * * * * *',
  '@daily',
  '60 * * * *',
  'a b c d e',
  '* * * * 8',
  '*/0 * * * *',
  '? * * * *',
  '5/10 * * * *',
])('refuses the expression %j', (expression) => {
  expect(() => readCron(expression, 'UTC')).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(/^cron_expression/) }),
  );
});

test.each(['', 'Mars/Phobos', '+02:00', 'Europe/Berlin '])('refuses the zone %j', (zone) => {
  expect(() => readCron('* * * * *', zone)).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(/^timezone/) }),
  );
});
