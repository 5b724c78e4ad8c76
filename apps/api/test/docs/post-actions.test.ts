import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FileDatabase, fileDatabase } from '../support/automation.ts';
import { runEnded } from '../support/run-ended.ts';
import { type Sink, startSink } from '../support/sink.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const page = readFileSync(new URL('../../../../docs/post-actions.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);

let file: FileDatabase;
let sink: Sink;
let app: TestApp;
beforeAll(async () => {
  file = await fileDatabase();
  sink = await startSink();
  app = await startTestApp({ db: file.db, postActions: { allowPrivate: ['127.0.0.1'] } });
  app.crew.postActions.start();
});
afterAll(async () => {
  await app.close();
  await sink[Symbol.asyncDispose]();
  await file[Symbol.asyncDispose]();
});

async function shell(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { timeout: 30_000 });
  return stdout;
}

test('the examples of the page do what it says', async () => {
  const [create = '', runs = '', ...changes] = examples;
  const schedule = file.addSchedule();
  const settings = create
    .replace('http://127.0.0.1:8080', app.url)
    .replace('https://hooks.example.org/crew', `${sink.url}/crew`)
    .replace('SCHEDULE_ID', schedule);
  const created = await shell(`${settings}\necho; echo $action`);
  const action = created.trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(created.split('\n')[0] ?? '')).toMatchObject({ trigger_on: 'failure', trigger_name: 'nightly' });

  app.crew.postActions.enqueue(runEnded(schedule, { run: { id: 'good' } }));
  const failed = { id: 'bad', status: 'failed' as const, response_received: '', error: 'no' };
  app.crew.postActions.enqueue(runEnded(schedule, { run: failed }));
  const [received] = await sink.until(1);
  expect(received).toMatchObject({ method: 'POST', url: '/crew/bad', headers: { 'x-team': 'docs' } });
  expect(JSON.parse(received?.body ?? '')).toEqual({ text: 'nightly: failed. ' });
  await waitFor('it to be stored', () => file.db.postActionRuns.openCount() === 0);

  const shown = `api=${app.url}; json='content-type: application/json'; action=${action}\n`;
  expect(JSON.parse(await shell(shown + runs))).toMatchObject({
    total: 1,
    data: [{ status: 'success', status_code: 200 }],
  });
  const answers = await shell(shown + changes.join('\n'));
  expect(answers).toContain('"retry_count":5');
  expect(answers).toContain('"enabled":false');
  expect((await app.client.get('/api/post-actions')).body).toEqual([]);
});
