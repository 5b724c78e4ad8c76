import { latch, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Cli, type CliState } from '../src/cli.ts';
import { FakeClaude, silent } from './fakes.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function setUp() {
  const started: FakeClaude[] = [];
  const states: CliState[] = [];
  const scene = { started, states, broken: false, held: Promise.resolve() };
  const check = async () => {
    if (scene.broken) throw new Error('no such program');
  };
  const start = async () => {
    if (scene.broken) throw new Error('no such program');
    const claude = new FakeClaude();
    started.push(claude);
    await scene.held;
    return claude;
  };
  const cli = new Cli({ check, start, idleParkMs: 10_000, onState: (state) => states.push(state), log: silent });
  return Object.assign(scene, { cli });
}

/** Lets everything that only waits for promises happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('the warm CLI is the one the message gets', async () => {
  const { cli, started } = setUp();
  cli.warmUp();
  const claude = await cli.acquire();
  expect(started).toEqual([claude]);
  expect(cli.ready).toBe(true);
});

test('one that can be run is ready without being started, and wakes for the first message', async () => {
  const { cli, started, states } = setUp();
  cli.prepare();
  await settle();
  expect([cli.ready, started.length, states]).toEqual([true, 0, ['parked']]);
  expect(await cli.acquire()).toBe(started[0]);
});

test('one that cannot be run says why, and is tried again', async () => {
  const scene = setUp();
  const { cli } = scene;
  scene.broken = true;
  cli.prepare();
  await settle();
  expect([cli.ready, cli.problem]).toEqual([false, 'no such program']);
  scene.broken = false;
  vi.advanceTimersByTime(1_001);
  await settle();
  expect([cli.ready, cli.problem]).toEqual([true, undefined]);
});

test('an idle CLI is parked, and another one started for the next message', async () => {
  const { cli, started, states } = setUp();
  cli.warmUp();
  await settle();
  vi.advanceTimersByTime(10_001);
  await settle();
  expect(started[0]?.disposed).toBe(true);
  expect(states).toEqual(['starting', 'running', 'parked']);
  expect(cli.ready).toBe(true);
  expect(await cli.acquire()).toBe(started[1]);
  vi.advanceTimersByTime(100_000);
  await settle();
  expect(started[1]?.disposed).toBe(false);
});

test('a message that needed no CLI does not wake a parked one', async () => {
  const { cli, started } = setUp();
  cli.warmUp();
  await settle();
  vi.advanceTimersByTime(10_001);
  await settle();
  cli.release();
  vi.advanceTimersByTime(100_000);
  await settle();
  expect(started).toHaveLength(1);
});

test('a CLI that dies while idle is started again, later and later', async () => {
  const scene = setUp();
  const { cli, started } = scene;
  cli.warmUp();
  await settle();
  started[0]?.die();
  await settle();
  expect(cli.ready).toBe(false);
  scene.broken = true;
  vi.advanceTimersByTime(1_001);
  await settle();
  scene.broken = false;
  vi.advanceTimersByTime(1_001);
  await settle();
  expect(started).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  await settle();
  expect(started).toHaveLength(2);
  expect(cli.ready).toBe(true);
});

test('a message does not wait for the back-off', async () => {
  const { cli, started } = setUp();
  await cli.acquire();
  cli.release();
  started[0]?.die();
  await settle();
  expect(await cli.acquire()).toBe(started[1]);
});

test('a CLI on its way up is ended when the agent closes', async () => {
  const { cli, started } = setUp();
  cli.warmUp();
  await cli.close();
  await waitFor('its end', () => started.every(({ disposed }) => disposed));
  await expect(cli.acquire()).rejects.toThrow('shutting down');
  expect(started.length).toBeLessThan(2);
});

test('what it is started with has changed: an idle CLI is replaced at once, one in use after its message', async () => {
  const { cli, started } = setUp();
  cli.warmUp();
  await settle();
  cli.refresh();
  await settle();
  expect(started.map(({ disposed }) => disposed)).toEqual([true, false]);

  const used = await cli.acquire();
  cli.refresh();
  await settle();
  expect(used).toBe(started[1]);
  expect(started[1]?.disposed).toBe(false);
  cli.release();
  expect(await cli.acquire()).toBe(started[2]);
  expect(started.map(({ disposed }) => disposed)).toEqual([true, true, false]);
});

test('a change while the CLI starts is not missed, and one while it is parked wakes nobody', async () => {
  const scene = setUp();
  const { cli, started } = scene;
  const { promise, open } = latch();
  scene.held = promise;
  const claude = cli.acquire();
  await settle();
  cli.refresh();
  open();
  expect(await claude).toBe(started[1]);
  expect(started[0]?.disposed).toBe(true);
  await cli.park();
  cli.refresh();
  await settle();
  expect(started).toHaveLength(2);
});
