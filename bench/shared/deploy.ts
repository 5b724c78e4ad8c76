import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './server.ts';

interface Team {
  id: string;
  status: string;
  status_message: string;
}

const pollMs = 20;

/** Creates a team of one leader and workers, not deployed yet; its id. */
export async function createTeam(server: Server, name: string, leader: object, workers = 0): Promise<string> {
  const others = Array.from({ length: workers }, (_, index) => ({ name: `worker-${index + 1}` }));
  const agents = [{ name: 'lead', role: 'leader', ...leader }, ...others];
  return (await server.call<Team>('POST', '/api/teams', { name, agents })).id;
}

/** Deploys a team and waits until it runs; rejects with its `status_message` when it does not. */
export async function deploy(server: Server, id: string, signal: AbortSignal): Promise<void> {
  await server.call('POST', `/api/teams/${id}/deploy`);
  for (;;) {
    const { status, status_message } = await server.call<Team>('GET', `/api/teams/${id}`);
    if (status === 'running') return;
    if (status === 'error') throw new Error(`the team was not deployed: ${status_message}`);
    await sleep(pollMs, undefined, { signal });
  }
}
