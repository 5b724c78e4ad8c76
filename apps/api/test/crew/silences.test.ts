import { createSilences, type Silences } from '@agentcrew/api/crew/silences.ts';
import { type ControlRequest, CrewError, type ErrorCode } from '@agentcrew/protocol';
import { beforeEach, expect, test } from 'vitest';
import { createFakeBuses } from '../support/fake-bus.ts';

const lead = { id: 'id-of-lead', slug: 'lead' };
const worker = { id: 'id-of-worker', slug: 'worker' };
let now: number;
let silences: Silences;
beforeEach(() => {
  now = 1_000_000;
  silences = createSilences(30_000, () => now);
});

/** A bus on which agents answer unless they are among the silent ones. */
async function busWith(silent: string[], code: ErrorCode = 'AGENT_UNRESPONSIVE') {
  const fake = createFakeBuses();
  const bus = await fake.connectBus({ url: 'nats://fake', name: 'test', team: 'alpha' });
  const { request } = bus;
  bus.request = async (agent: string, body: ControlRequest, withinMs: number) => {
    if (silent.includes(agent)) throw new CrewError(code, 'no answer');
    return request(agent, body, withinMs);
  };
  return { bus, asked: fake.of('alpha').requests };
}

/** Asks every two seconds, and gives who is lost then. */
async function ask({ bus }: Awaited<ReturnType<typeof busWith>>, forMs: number): Promise<string[]> {
  for (const until = now + forMs; now < until; now += 2_000) {
    silences.ask(bus, [lead, worker]);
    await new Promise(setImmediate);
  }
  return [lead, worker].filter(({ id }) => silences.isLost(id)).map(({ slug }) => slug);
}

test('an agent is silent at once, and lost after the time without an answer; others are not', async () => {
  const quiet = await busWith(['worker']);
  expect(await ask(quiet, 28_000)).toEqual([]);
  expect([lead, worker].map(({ id }) => silences.isSilent(id))).toEqual([false, true]);
  expect(await ask(quiet, 2_000)).toEqual(['worker']);
});

test('one answer is enough', async () => {
  const quiet = await busWith(['worker']);
  await ask(quiet, 28_000);
  await ask(await busWith([]), 2_000);
  expect(silences.isSilent(worker.id)).toBe(false);
  expect(await ask(quiet, 28_000)).toEqual([]);
  expect(await ask(quiet, 2_000)).toEqual(['worker']);
});

test('a bus that is away makes nobody lost', async () => {
  const quiet = await busWith(['lead', 'worker']);
  const away = Object.create(quiet.bus, { connected: { value: false } });
  expect(await ask({ ...quiet, bus: away }, 60_000)).toEqual([]);
});

test('an agent that waits for its bus is not lost', async () => {
  expect(await ask(await busWith(['worker'], 'AGENT_NOT_READY'), 60_000)).toEqual([]);
});

test('another process of the agent has its time, whatever the one before is still asked', async () => {
  const quiet = await busWith(['worker']);
  await ask(quiet, 30_000);
  silences.ask(quiet.bus, [worker]);
  silences.forget(worker.id);
  expect(await ask(quiet, 28_000)).toEqual([]);
});

test('an agent that takes long to answer is asked once meanwhile', async () => {
  const { bus, asked } = await busWith([]);
  for (let n = 0; n < 10; n++) silences.ask(bus, [lead]);
  await new Promise(setImmediate);
  expect(asked).toHaveLength(1);
});
