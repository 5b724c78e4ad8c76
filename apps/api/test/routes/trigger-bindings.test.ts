import { expect, test } from 'vitest';
import { storedSchedule } from '../support/runs.ts';
import { startTestApp } from '../support/test-app.ts';

test('the post-actions of a trigger are shown with their action, and without its secrets', async () => {
  await using app = await startTestApp();
  const { client } = app;
  const { id: teamId } = await client.createTeam();
  const { id } = storedSchedule(app.db, teamId);
  const auth = { auth_type: 'bearer', auth_config: { token: 'a secret' } };
  const action = { name: 'tell', url: 'https://example.org', method: 'POST', ...auth };
  const { body: stored } = await client.post('/api/post-actions', action);
  const trigger = { trigger_type: 'schedule', trigger_id: id, trigger_on: 'failure' };
  await client.post(`/api/post-actions/${stored.id}/bindings`, trigger);
  const { status, body, text } = await client.get(`/api/schedules/${id}/post-actions`);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: [
      {
        ...trigger,
        trigger_name: 'nightly',
        enabled: true,
        post_action: { id: stored.id, name: 'tell', method: 'POST', auth_config: { token: '********' } },
      },
    ],
  });
  expect(text).not.toContain('a secret');
});
