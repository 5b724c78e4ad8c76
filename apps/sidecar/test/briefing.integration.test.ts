import { expect, test } from 'vitest';
import { useServices } from './services.ts';
import { Team } from './team.ts';

const services = useServices();

/** What the model was told about itself when it was asked this. */
function systemFor(text: string): string {
  const request = services.model.requests.find(({ userText }) => userText === text);
  return JSON.stringify((request?.body as { system?: unknown } | undefined)?.system);
}

test('new instructions are in force from the next turn on, in the same session, also for a restarted process with the old spec', async () => {
  await using team = await Team.start({ ...services.urls, agents: ['lead'] });
  const instruct = (instructions: string) => team.control('lead', { type: 'instructions', instructions });
  await instruct('Speak like a sailor.');
  const first = await team.reply(await team.send('lead', '!say one'));
  expect(systemFor('!say one')).toContain('Speak like a sailor.');

  const hold = services.model.hold();
  const during = await team.send('lead', '!say two');
  await services.model.waitForRequest('the second turn', ({ userText }) => userText === '!say two');
  expect(await instruct('Speak like a lawyer.')).toMatchObject({ ok: true });
  hold.release();
  expect(await team.reply(during)).toMatchObject({ status: 'completed', result: 'two', session_id: first.session_id });
  expect(systemFor('!say two')).toContain('Speak like a sailor.');

  const third = await team.reply(await team.send('lead', '!say three'));
  expect(third).toMatchObject({ status: 'completed', session_id: first.session_id });
  expect(systemFor('!say three')).toContain('Speak like a lawyer.');
  expect(systemFor('!say three')).not.toContain('sailor');

  await team.end('lead', 'SIGKILL');
  team.run('lead');
  await team.reply(await team.send('lead', '!say four'));
  expect(systemFor('!say four')).toContain('Speak like a lawyer.');
});
