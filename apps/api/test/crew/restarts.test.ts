import { createRestarts } from '@agentcrew/api/crew/restarts.ts';
import { beforeEach, expect, test } from 'vitest';

const agent = 'agent';
let now: number;
let restarts: ReturnType<typeof createRestarts>;
beforeEach(() => {
  now = 1_000_000;
  restarts = createRestarts(3, () => now);
});

/** Milliseconds until the agent may be started again. */
function untilDue(): number {
  const from = now;
  while (!restarts.due(agent)) now += 50;
  const waited = now - from;
  now = from;
  return waited;
}

function dieAndRestart(afterMs = 0): number {
  now += afterMs;
  restarts.died(agent, 'boom');
  const wait = untilDue();
  now += wait;
  restarts.started(agent);
  return wait;
}

test('an agent nobody heard of is fine', () => {
  expect(restarts.due(agent)).toBe(true);
  expect(restarts.failures(agent)).toBe(0);
  expect(restarts.exhausted(agent)).toBe(false);
  expect(restarts.reason(agent)).toBe('');
});

test('the pause doubles with every death in a row, up to half a minute', () => {
  const patient = createRestarts(100, () => now);
  restarts = patient;
  expect(Array.from({ length: 9 }, () => dieAndRestart())).toEqual([
    500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

test('after more deaths in a row than allowed it is to be given up', () => {
  for (let n = 1; n <= 3; n += 1) {
    dieAndRestart();
    expect({ failures: restarts.failures(agent), exhausted: restarts.exhausted(agent) }).toEqual({
      failures: n,
      exhausted: false,
    });
  }
  restarts.died(agent, 'the last straw');
  expect(restarts.exhausted(agent)).toBe(true);
  expect(restarts.reason(agent)).toBe('the last straw');
});

test('a start that holds is a good one: the next death counts as the first', () => {
  dieAndRestart();
  dieAndRestart();
  expect(dieAndRestart(10_000)).toBe(500);
  expect(restarts.failures(agent)).toBe(1);
  expect(dieAndRestart(9_999)).toBe(1000);
});

test('a death that is seen again and again counts once', () => {
  for (let n = 0; n < 20; n += 1) restarts.died(agent, 'boom');
  now += 60_000;
  restarts.died(agent, 'boom');
  expect(restarts.failures(agent)).toBe(1);
  expect(restarts.due(agent)).toBe(true);
});

test('a start that fails counts as a death', () => {
  restarts.died(agent, 'boom');
  now += 500;
  restarts.started(agent);
  restarts.died(agent, 'not ready');
  expect(restarts.failures(agent)).toBe(2);
  expect(restarts.reason(agent)).toBe('not ready');
});

test('an agent that was started by somebody else meanwhile has not died yet', () => {
  dieAndRestart();
  restarts.died(agent, 'boom');
  expect(restarts.failures(agent)).toBe(2);
  restarts.started(agent);
  now += 60_000;
  restarts.started(agent);
  restarts.died(agent, 'later');
  expect(restarts.failures(agent)).toBe(1);
});

test('agents are counted by themselves, and forgotten', () => {
  restarts.died('one', 'boom');
  expect(restarts.failures('two')).toBe(0);
  restarts.forget('one');
  expect(restarts.failures('one')).toBe(0);
});

test('none at all may be allowed', () => {
  const strict = createRestarts(0, () => now);
  strict.died(agent, 'boom');
  expect(strict.exhausted(agent)).toBe(true);
});
