import { requeueLost } from '@agentcrew/api/crew/redelivery.ts';
import { type AgentInput, createAgent } from '@agentcrew/api/crew/roster.ts';
import { agentConsumer } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe('when somebody else is to lead a running team', () => {
  const leads = (slug: string, team: string) => {
    for (const one of crew.agents(team))
      crew.db.agents.update(one.id, { role: one.slug === slug ? 'leader' : 'worker' });
  };

  test('what its leader has got stays with it, and the new one gets what comes', async () => {
    const { team, bus, say, sent, untilSent } = await running();
    say('before');
    await untilSent();
    bus.lag.set(agentConsumer('Lead'), { pending: 0, unsettled: 1 });
    leads('Worker', team.id);
    const open = crew.crew.buses.get(team.id);
    if (!open) throw new Error('no bus');
    expect(await requeueLost(crew.db, team, open, new Date(Date.now() + 600_000))).toBe(0);
    say('after');
    await untilSent();
    expect(sent()).toEqual([
      ['Lead', 'before'],
      ['Worker', 'after'],
    ]);
    await crew.crew.deployer.stop(team);
    expect(crew.messages(team.id).slice(-2)).toMatchObject([{ from_agent: 'Lead' }, { from_agent: 'Worker' }]);
  });

  test('what a lost stream held goes to those again who had got it', async () => {
    const { team, bus, say, sent, untilSent } = await running();
    say('before');
    await untilSent();
    leads('Worker', team.id);
    bus.streamExists = false;
    await crew.crew.reconciler.pass();
    await untilSent();
    expect(sent()).toEqual([
      ['Lead', 'before'],
      ['Lead', 'before'],
    ]);
  });

  test('a leader that was removed leaves to the new one what it has not answered', async () => {
    const { team, bus, agent, say, sent, untilSent } = await running();
    bus.setConnected(false);
    say('before');
    leads('Worker', team.id);
    crew.db.agents.delete(agent('Lead')?.id ?? '');
    bus.setConnected(true);
    await untilSent();
    expect(sent()).toEqual([['Worker', 'before']]);
  });

  test('one that starts with the next deploy gets nothing before it', async () => {
    const { team, say, sent, untilSent } = await running();
    createAgent(crew.db, team, { name: 'New', role: 'leader' });
    say('while both lead');
    await untilSent();
    leads('New', team.id);
    expect(() => say('while it alone leads')).toThrow('New leads the team and starts with the next deploy');
    leads('nobody', team.id);
    expect(() => say('while nobody leads')).toThrow('no agent leads the team');
    expect(sent()).toEqual([['Lead', 'while both lead']]);
  });
});
