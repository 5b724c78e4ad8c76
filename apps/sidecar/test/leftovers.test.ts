import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endLeftovers } from '../src/leftovers.ts';

function sleeper(marker: string) {
  return spawn('sleep', ['60'], { env: { ...process.env, AGENTCREW_AGENT: marker }, stdio: 'ignore', detached: true });
}

test.runIf(process.platform === 'linux')('ends the processes of this agent, and nobody else', async () => {
  const marker = `unit/${randomUUID()}/lead`;
  const [mine, longer] = [sleeper(marker), sleeper(`${marker}2`)];
  const ended = once(mine, 'exit');
  expect(await endLeftovers(marker)).toBe(1);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(longer.exitCode ?? longer.signalCode).toBeNull();
  expect(await endLeftovers(marker)).toBe(0);
  longer.kill('SIGKILL');
  await once(longer, 'exit');
});

test.runIf(process.platform === 'linux')('spares a group of processes that is at other work', async () => {
  const marker = `unit/${randomUUID()}/lead`;
  const [spared, other] = [sleeper(marker), sleeper(marker)];
  const ended = once(other, 'exit');
  expect(await endLeftovers(marker, spared.pid)).toBe(1);
  await ended;
  expect(spared.exitCode ?? spared.signalCode).toBeNull();
  spared.kill('SIGKILL');
  await once(spared, 'exit');
});
