import { afterAll, beforeAll, expect, test } from 'vitest';
import { runExamples, shellExamples } from './support/documentation.ts';
import { createFakeBuses } from './support/fake-bus.ts';
import { startTestApp, type TestApp } from './support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
afterAll(() => app.close());

test('the examples of docs/schedules.md work', async () => {
  const { id } = await app.client.createTeam();
  const output = await runExamples(shellExamples('schedules.md'), { api: app.url, id });
  expect(output).toContain('"next_run_at"');
  expect((await app.client.get('/api/schedules')).body).toEqual([]);
});
