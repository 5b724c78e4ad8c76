import { requeueLost } from '@agentcrew/api/crew/redelivery.ts';
import type { AgentInput } from '@agentcrew/api/crew/roster.ts';
import { agentConsumer } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestCrew, type TestCrew } from '../support/test-crew.ts';

let crew: TestCrew;
beforeEach(() => {
  crew = startTestCrew();
});
afterEach(() => crew[Symbol.asyncDispose]());

async function running(agents?: AgentInput[]) {
  const team = await crew.createRunningTeam(agents);
  const bus = crew.buses.of(team.slug);
  const agent = (slug: string) => crew.agents(team.id).find((one) => one.slug === slug);
  const say = (text: string, slug?: string) => {
    const to = slug === undefined ? undefined : agent(slug);
    return crew.crew.acceptChat(team.id, text, { ...(to && { to }) });
  };
  const sent = () => bus.published.map((one) => [one.agent, one.envelope.payload.content]);
  const untilSent = () =>
    waitFor('all to be sent', () => crew.messages(team.id).every(({ delivery }) => delivery !== 'pending'));
  return { team, bus, agent, say, sent, untilSent };
}

test('each message goes to its agent', async () => {
  const { say, sent, untilSent } = await running();
  say('one');
  say('two', 'Worker');
  say('three', 'Lead');
  await untilSent();
  expect(sent()).toEqual([
    ['Lead', 'one'],
    ['Worker', 'two'],
    ['Lead', 'three'],
  ]);
});

test('a worker whose name is "leader" does not get what is for the leader', async () => {
  const { say, sent, untilSent } = await running([{ name: 'boss', role: 'leader' }, { name: 'leader' }]);
  say('one');
  say('two', 'leader');
  await untilSent();
  expect(sent()).toEqual([
    ['boss', 'one'],
    ['leader', 'two'],
  ]);
});

test('what is for an agent that was removed is answered, and does not hold up the rest', async () => {
  const { team, bus, agent, say, sent, untilSent } = await running();
  bus.setConnected(false);
  const orphan = say('one', 'Worker');
  say('two');
  crew.db.agents.delete(agent('Worker')?.id ?? '');
  bus.setConnected(true);
  await untilSent();
  expect(sent()).toEqual([['Lead', 'two']]);
  expect(crew.messages(team.id).at(-1)).toMatchObject({
    ref_message_id: orphan.message_id,
    from_agent: 'Worker',
    payload: { status: 'failed', code: 'AGENT_NOT_FOUND' },
  });
});

test('a message is lost when its own agent has nothing before it, whatever the others have', async () => {
  const { team, bus, say, untilSent } = await running();
  say('one');
  say('two', 'Worker');
  await untilSent();
  const open = crew.crew.buses.get(team.id);
  if (!open) throw new Error('no bus');
  const later = new Date(Date.now() + 60_000);
  bus.lag.set(agentConsumer('Lead'), { pending: 0, unsettled: 1 });
  expect(await requeueLost(crew.db, team, open, later)).toBe(1);
  expect(crew.messages(team.id).map(({ delivery }) => delivery)).toEqual(['sent', 'pending']);
  bus.lag.set(agentConsumer('Lead'), { pending: 0, unsettled: 0 });
  bus.lag.set(agentConsumer('Worker'), { pending: 1, unsettled: 0 });
  expect(await requeueLost(crew.db, team, open, later)).toBe(1);
});

test('what a stop leaves unanswered is answered in the name of its agent', async () => {
  const { team, say, untilSent } = await running();
  say('one', 'Worker');
  await untilSent();
  await crew.crew.deployer.stop(team);
  expect(crew.messages(team.id).at(-1)).toMatchObject({ from_agent: 'Worker', payload: { code: 'TEAM_STOPPED' } });
});
