import { randomUUID } from 'node:crypto';
import { CrewError } from '@agentcrew/protocol';
import { expect, it } from 'vitest';
import { describeRuntimeContract } from '../src/contract.ts';
import { mockAgentId, mockRuntime } from '../src/mock/index.ts';

describeRuntimeContract('mock', async () => {
  const runtime = mockRuntime();
  // The mock starts nothing; a new number at every death stands for the incarnation.
  const deaths = new Map<string, string>();
  return {
    runtime,
    logLine: 'mock log output',
    behaviours: ['ready'],
    async incarnation(id) {
      return (await runtime.getStatus(id)).state === 'running' ? (deaths.get(id) ?? 'first') : undefined;
    },
    async kill(id) {
      deaths.set(id, randomUUID());
      runtime.kill(id);
    },
    [Symbol.asyncDispose]: async () => runtime[Symbol.asyncDispose](),
  };
});

const never = new AbortController().signal;
const infra = { team: 'crew', natsToken: 'token' };

it('gives agents of different teams different ids', () => {
  expect(mockAgentId('a-b', 'c')).not.toBe(mockAgentId('a', 'b-c'));
  expect(mockAgentId('crew', 'lead')).toMatch(/^mock-container-/);
});

it('fails once when asked to', async () => {
  await using runtime = mockRuntime();
  runtime.failNext('deployInfra', new CrewError('RUNTIME_FAILED', 'no luck'));
  await expect(runtime.deployInfra(infra, never)).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
  await runtime.deployInfra(infra, never);
});

it('hangs until the signal aborts when asked to', async () => {
  await using runtime = mockRuntime();
  runtime.hangNext('deployInfra');
  const controller = new AbortController();
  const deploying = runtime.deployInfra(infra, controller.signal);
  controller.abort();
  await expect(deploying).rejects.toMatchObject({ code: 'DEPLOY_CANCELLED' });
});
