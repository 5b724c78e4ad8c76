import { agentLimitsSchema } from '@agentcrew/protocol';
import { expect, test } from 'vitest';
import { Waiting } from '../src/approvals/waiting.ts';
import { CliEvents } from '../src/cli-events.ts';
import { runTurn } from '../src/turns/run-turn.ts';
import { TurnEnd } from '../src/turns/turn-end.ts';
import { FakeClaude } from './fakes.ts';

function setUp(limits: object = {}) {
  const claude = new FakeClaude();
  const end = new TurnEnd();
  const events = new CliEvents();
  const waiting = new Waiting();
  const running = runTurn({
    claude,
    content: 'do it',
    uuid: 'u1',
    end,
    events,
    waiting,
    limits: agentLimitsSchema.parse(limits),
    graceMs: 50,
  });
  return { claude, end, events, waiting, running };
}

test('the watchdog watches as long as the turn runs', async () => {
  const { running, end, claude } = setUp({ turn_timeout_ms: 20 });
  expect(await running).toBeUndefined();
  expect(end.reason?.code).toBe('TURN_TIMEOUT');
  expect(claude.interrupts).toBe(1);
});

test('what the CLI prints reaches the watchdog', async () => {
  const { running, end, events } = setUp();
  events.emit({ type: 'retry', attempt: 1, maxRetries: 4, delayMs: 1, status: 401, error: 'authentication_failed' });
  await running;
  expect(end.reason?.code).toBe('AUTHENTICATION_FAILED');
});

test('a result in the time of grace is taken', async () => {
  const { running, end, claude } = setUp();
  end.want({ status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'stop' });
  await end.wanted;
  claude.finish({ outcome: 'interrupted' });
  expect(await running).toMatchObject({ outcome: 'interrupted' });
});

test('a CLI that dies is an error', async () => {
  const { claude, running } = setUp();
  claude.die();
  await expect(running).rejects.toMatchObject({ code: 'CLI_FAILED' });
});
