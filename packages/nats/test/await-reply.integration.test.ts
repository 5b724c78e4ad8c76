import { replyIdFor } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { envelope, openBus, startTeam } from './team-bus-fixture.ts';

const patience = () => AbortSignal.timeout(30_000);

function answerTo(messageId: string, from = 'ada') {
  return envelope('', {
    message_id: replyIdFor(messageId),
    ref_message_id: messageId,
    from,
    type: 'task_result',
    payload: { status: 'completed', result: `re ${messageId}` },
  });
}

test('a published message has a number, its copy has the same', async () => {
  await using team = await startTeam();
  const message = envelope('one');
  const first = await team.bus.publish('agent', 'ada', message);
  expect(first).toBeGreaterThan(0);
  expect(await team.bus.publish('agent', 'ada', envelope('two'))).toBe(first + 1);
  expect(await team.bus.publish('agent', 'ada', message)).toBe(first);
});

test('the answer is found, whether it came before or after somebody waits; others are not it', async () => {
  await using team = await startTeam();
  const at = await team.bus.publish('agent', 'ada', envelope('work', { message_id: 'm1' }));
  const early = team.bus.awaitReply('ada', 'm1', at, patience());
  await team.bus.publish('reply', 'ada', answerTo('m0'));
  await team.bus.publish('reply', 'ada', answerTo('m1', 'eve'));
  await team.bus.publish('reply', 'ada', { ...answerTo('m1'), message_id: 'mine' });
  expect(await early).toMatchObject({ from: 'ada', payload: { result: 're m1' } });
  expect(await team.bus.awaitReply('ada', 'm1', at, patience())).toMatchObject({ ref_message_id: 'm1' });
});

test('waits on over a restart of nats-server', async () => {
  await using team = await startTeam();
  await using other = await openBus(team.server);
  const at = await team.bus.publish('agent', 'ada', envelope('work', { message_id: 'm1' }));
  const waiting = team.bus.awaitReply('ada', 'm1', at, patience());
  await team.server.kill();
  await team.server.restart();
  await waitFor('the answer to be stored', () => other.publish('reply', 'ada', answerTo('m1')).catch(() => undefined));
  expect(await waiting).toMatchObject({ payload: { result: 're m1' } });
});

test('ends when nobody waits any more', async () => {
  await using team = await startTeam();
  const at = await team.bus.publish('agent', 'ada', envelope('work', { message_id: 'm1' }));
  const stop = new AbortController();
  const waiting = team.bus.awaitReply('ada', 'm1', at, stop.signal);
  stop.abort(new Error('not any more'));
  await expect(waiting).rejects.toThrow('not any more');
});
