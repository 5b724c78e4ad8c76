import type { RuntimeName } from '@agentcrew/runtime';
import { describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp } from '../support/test-app.ts';

const runtimes = ['docker', 'local', 'mock', 'kubernetes'] as const satisfies RuntimeName[];
const others = ['docker', 'local', 'mock'] as const satisfies RuntimeName[];

/** What the server on that runtime says to a new agent with these resources. */
async function answerTo(runtimeName: RuntimeName, resources: unknown) {
  await using app = await startTestApp({ runtimeName });
  const { id } = await app.client.createTeam();
  return await app.client.post(`/api/teams/${id}/agents`, { name: 'new', resources });
}

describe.each(runtimes)('on %s', (runtime) => {
  test.each([
    { cpu: 0.5 },
    { cpu: '0.5' },
    { cpu: '500m' },
    { cpu: '10m' },
    { memory: '512Mi' },
    { memory: '1.5Gi' },
    { memory: '6144Ki' },
    { memory: '1Ti' },
    { memory: '6291456k' },
    { memory: '1G' },
  ])('%o is stored as it is', async (resources) => {
    expect(await answerTo(runtime, resources)).toMatchObject({ status: 201, body: { resources } });
  });

  test.each([
    [{ cpu: '500Mi' }, 'resources.cpu must be a number of cores'],
    [{ cpu: '.5' }, 'resources.cpu must be a number of cores'],
    [{ cpu: '9m' }, 'resources.cpu must be from 0.01'],
    [{ memory: '5Mi' }, 'resources.memory must be from 6Mi to 1Ti'],
    [{ memory: '1025Gi' }, 'resources.memory must be from 6Mi to 1Ti'],
    [{ memory: '512MB' }, 'resources.memory must be a number with the unit'],
    [{ memory: '512 Mi' }, 'resources.memory must be a number with the unit'],
    [{ memory: '-1Gi' }, 'resources.memory must be a number with the unit'],
    [{ memory: `${'1'.repeat(40)}m` }, 'resources.memory must be at most 40 characters long'],
  ])('%o is refused', async (resources, rule) => {
    expectError(await answerTo(runtime, resources), 400, 'INVALID_REQUEST', rule);
  });
});

test.each(['512m', '2g', '512M', '8192K'])('%s is 1024-based on Docker and local', async (memory) => {
  for (const runtime of others) expect(await answerTo(runtime, { memory })).toMatchObject({ status: 201 });
});

test.each(['536870912', '1T'])('%s is for Kubernetes alone', async (memory) => {
  expect(await answerTo('kubernetes', { memory: '536870912' })).toMatchObject({ status: 201 });
  for (const runtime of others) expectError(await answerTo(runtime, { memory }), 400, 'INVALID_REQUEST', 'Ki, Mi, Gi');
});

describe('on Kubernetes', () => {
  test.each([
    ['512m', /thousandths of a byte on Kubernetes: write "512Mi"$/],
    ['2g', /write "2Gi"$/],
    ['8192K', /write "8192Ki"$/],
  ])('%s is refused with what to write', async (memory, hint) => {
    expectError(await answerTo('kubernetes', { memory }), 400, 'INVALID_REQUEST', hint);
  });

  test('so it is in a new team, where the agent is named, and in a change', async () => {
    await using app = await startTestApp({ runtimeName: 'kubernetes' });
    const resources = { memory: '512m' };
    const agents = [{ name: 'a' }, { name: 'b', resources }];
    const refused = await app.client.post('/api/teams', { name: 'x', agents });
    expectError(refused, 400, 'INVALID_REQUEST', /^agents\[1\]\.resources\.memory must not be "512m"/);
    const team = await app.client.createTeam();
    const path = `/api/teams/${team.id}/agents/${team.agents[0].id}`;
    expectError(await app.client.put(path, { resources }), 400, 'INVALID_REQUEST', /^resources\.memory/);
    expect((await app.client.get(path)).body.resources).toBeNull();
  });
});
