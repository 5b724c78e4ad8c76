import { afterAll, beforeAll, expect, test } from 'vitest';
import { runExamples, shellExamples } from './support/documentation.ts';
import { createFakeBuses } from './support/fake-bus.ts';
import { replyTo } from './support/runs.ts';
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

test('the examples of docs/webhooks.md work', async () => {
  const { id, slug } = await app.client.createRunningTeam();
  const bus = buses.of(slug);
  bus.onPublish = ({ message_id }) => {
    const message = app.db.messages.get(message_id);
    if (message) void bus.deliver(replyTo(message, { result: 'Looks good.' }));
  };
  const output = await runExamples(shellExamples('webhooks.md'), { api: app.url, id });
  expect(output).toContain('"response":"Looks good."');
  expect(output).toContain('"prompt_sent":"Review commit 4f2a by Ada."');
  expect((await app.client.get('/api/webhooks')).body).toEqual([]);
});
