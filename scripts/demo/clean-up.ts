import { messageOf } from '@agentcrew/protocol';
import { Client, type Team } from './client.ts';
import { endLeftovers } from './processes.ts';
import type { Server } from './server.ts';
import { detail, heading } from './show.ts';

const stopMs = 60_000;

/**
 * Stops and deletes the teams, ends the server, and looks whether any process is left. What is left is ended, and
 * counts as a failure: stopping a team should have ended it.
 */
export async function cleanUp(server: Server | undefined, dataDir: string): Promise<void> {
  heading('Cleaning up');
  try {
    if (server && !server.ended) await stopTeams(server);
  } catch (error) {
    process.exitCode = 1;
    console.error(`  the team could not be stopped: ${messageOf(error)}`);
  }
  await server?.stop();
  const left = await endLeftovers(dataDir);
  if (left === 0) return detail('everything is stopped and removed, no process is left');
  process.exitCode = 1;
  console.error(`  ${left} processes were left behind and had to be killed`);
}

async function stopTeams(server: Server): Promise<void> {
  const client = new Client(server.url, AbortSignal.timeout(stopMs));
  for (const { id, status } of await client.call<Team[]>('GET', '/api/teams')) {
    if (status !== 'stopped') await client.call('POST', `/api/teams/${id}/stop`);
    await client.call('DELETE', `/api/teams/${id}`);
  }
}
