import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Message, Team } from './client.ts';
import { processesOf } from './processes.ts';
import { team } from './scene.ts';
import type { Server } from './server.ts';
import { detail, heading, indented, say, showActivity, showReply } from './show.ts';

/** Creates the demo's team and brings it up, telling each step. */
export async function bringUp(client: Client, signal: AbortSignal): Promise<Team> {
  heading('A team of three');
  for (const { name, role, specialty } of team.agents) detail(`${name.padEnd(6)} ${role.padEnd(7)} ${specialty}`);
  const { id } = await client.call<Team>('POST', '/api/teams', team);
  heading('Deploying');
  const began = performance.now();
  await client.call('POST', `/api/teams/${id}/deploy`);
  for (let shown = ''; ; await sleep(100, undefined, { signal })) {
    const now = await client.call<Team>('GET', `/api/teams/${id}`);
    if (now.status === 'error') throw new Error(`the deploy failed: ${now.status_message}`);
    if (now.status_message !== shown && now.status_message !== '') detail(now.status_message);
    shown = now.status_message;
    if (now.status !== 'running') continue;
    detail(`running after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return now;
  }
}

/** Sends one message, shows what the agents do about it as it happens, and then the reply. */
export async function chat(client: Client, { id }: Team, text: string, signal: AbortSignal): Promise<void> {
  const answered = Promise.withResolvers<Message>();
  signal.addEventListener('abort', () => answered.reject(signal.reason), { once: true });
  let asked: string | undefined;
  const socket = await client.follow(id, (message) => {
    if (message.message_type === 'user_message') asked = message.message_id;
    showActivity(message);
    if (asked !== undefined && message.ref_message_id === asked) answered.resolve(message);
  });
  socket.addEventListener('close', () => answered.reject(new Error('the server has closed the live feed')));
  try {
    heading('You ask ada');
    say(indented(withoutDirectives(text)));
    heading('What the agents do');
    await client.call('POST', `/api/teams/${id}/chat`, { message: text });
    const reply = await answered.promise;
    showReply(reply, await client.call<Team>('GET', `/api/teams/${id}`));
    if (reply.payload.status !== 'completed') throw new Error(`the turn ended as ${reply.payload.status}`);
  } finally {
    socket.close();
  }
}

/** The last lines that the leader's sidecar wrote; empty when there is none. */
export async function leaderLog(dataDir: string): Promise<string> {
  const lines = await readFile(logOf(dataDir, 'ada'), 'utf8').catch(() => '');
  return lines.trimEnd().split('\n').slice(-10).join('\n');
}

function logOf(dataDir: string, agent: string): string {
  return join(dataDir, 'teams', team.name, 'agents', agent, 'stdout.log');
}

/** Says where everything is, while it is there. */
export async function showPlaces(server: Server, dataDir: string): Promise<void> {
  const processes = await processesOf(dataDir);
  const { port } = JSON.parse(await readFile(join(dataDir, 'nats', 'teams.json'), 'utf8')) as { port: number };
  const pids = (name: string) => [...processes].filter(([, owner]) => owner === name).map(([pid]) => pid);
  heading('Where everything runs');
  detail(`server      ${server.url} (pid ${server.pid}, Node.js ${process.version}), log ${server.log}`);
  detail(`message bus nats://127.0.0.1:${port} (pid ${pids('nats-server').join(', ')}), log ${dataDir}/nats/nats.log`);
  for (const { name } of team.agents) {
    const own = pids(name);
    // The CLI of a worker that has had nothing to do may not have been started yet.
    const what = own.length > 1 ? 'sidecar and Claude Code CLI, pids' : 'sidecar, pid';
    detail(`${name.padEnd(11)} ${what} ${own.join(', ')}, log ${logOf(dataDir, name)}`);
  }
  detail(`workspace   ${join(dataDir, 'teams', team.name, 'workspace')}`);
}

function withoutDirectives(text: string): string {
  const lines = text.split('\n');
  const scripted = lines.filter((line) => line.startsWith('!')).length;
  const words = lines.filter((line) => !line.startsWith('!')).join('\n');
  return scripted > 0 ? `${words.trim()}\n(and ${scripted} lines that tell the scripted model what to do)` : words;
}
