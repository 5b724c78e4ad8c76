import { waitFor } from '@agentcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message, Team } from './client.ts';
import { Host } from './host.ts';
import { processesWith } from './processes.ts';

const workers = ['ada', 'ben', 'cyd', 'dan'];

let host: Host;
let model: Host['model'];
let client: Host['client'];
let team: Team;

beforeAll(async () => {
  host = await Host.start();
  ({ model, client } = host);
  const agents = [{ name: 'lead', role: 'leader' }, ...workers.map((name) => ({ name, role: 'worker' }))];
  team = await client.createTeam('quartet', { agents });
  await client.deploy(team.id);
});
afterAll(() => host[Symbol.asyncDispose]());

/** Every agent but the first is asked in the same message. */
function delegateToAll(instruction: string): string {
  const call = (agent: string) => `mcp__crew__delegate_task ${JSON.stringify({ agent, instruction })}`;
  return workers.map((agent, index) => `!${index === 0 ? 'tool' : 'also'} ${call(agent)}`).join('\n');
}

function activity(): Promise<(Message & { to_agent: string })[]> {
  return client.call('GET', `/api/teams/${team.id}/activity?after=0&limit=500`);
}

function untilWarm() {
  const isCli = ({ command }: { command: string }) => command.includes('--input-format stream-json');
  return waitFor('all CLIs to be warm', () => processesWith('/quartet/').filter(isCli).length > workers.length, {
    timeoutMs: 60_000,
  });
}

async function fourTasks() {
  const began = performance.now();
  const { message_id } = await client.chat(team.id, delegateToAll('!delay 3000\n!say done'));
  const { payload } = await client.reply(team.id, message_id);
  const took = performance.now() - began;
  console.log(`four tasks of 3 s each took ${Math.round(took)} ms`);
  expect(payload).toMatchObject({ status: 'completed', result: 'Done. done\ndone\ndone\ndone' });
  return { took, message_id };
}

describe('a leader with four workers', () => {
  test('answers in under 5 s what takes each of them 3 s', async () => {
    await untilWarm();
    let { took, message_id } = await fourTasks();
    // A machine busy with other tests has a second chance.
    if (took >= 5_000) ({ took, message_id } = await fourTasks());
    expect(took).toBeLessThan(5_000);

    const rows = await activity();
    const tasks = rows.filter((row) => row.message_type === 'task_assignment' && row.ref_message_id === message_id);
    expect(tasks.map(({ from_agent, to_agent }) => `${from_agent} to ${to_agent}`).sort()).toEqual(
      workers.map((worker) => `lead to ${worker}`),
    );
    for (const task of tasks) {
      expect(rows.filter(({ ref_message_id }) => ref_message_id === task.message_id)).toMatchObject([
        { message_type: 'task_result', from_agent: task.to_agent, to_agent: 'lead' },
      ]);
    }
    expect((await client.team(team.id)).usage.turns % (1 + workers.length)).toBe(0);
  });

  test('is not left hanging by a stop: its turn and those of the workers end', async () => {
    const { message_id } = await client.chat(team.id, delegateToAll('!hang'));
    await waitFor('all to be at work', () => {
      const asked = model.requests.filter(({ userText }) => userText?.startsWith('Task') && userText.endsWith('!hang'));
      return asked.length === workers.length;
    });
    await client.call('POST', `/api/teams/${team.id}/stop`);
    expect((await client.reply(team.id, message_id)).payload.status).toBe('interrupted');
    const rows = await activity();
    const results = rows.filter(({ message_type, payload }) => {
      return message_type === 'task_result' && payload.status === 'interrupted';
    });
    expect(results.map(({ from_agent }) => from_agent).sort()).toEqual(workers);
  });
});
