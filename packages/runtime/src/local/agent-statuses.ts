import { readdir } from 'node:fs/promises';
import { agentMarkerVariable, slugSchema } from '@agentcrew/protocol';
import type { AgentStatus } from '../runtime.ts';
import { readRecord } from './agent-process.ts';
import { lastWords } from './failure-text.ts';
import { agentId, type Layout, parseAgentId } from './layout.ts';
import { isAlive, type ProcessTable } from './process-table.ts';

export interface StatusSources {
  layout: Layout;
  table: ProcessTable;
  instance: string;
  /** Whether an operation on the agent is under way: what it passes through is not the agent's state. */
  isBusy: (id: string) => boolean;
}

/** State of one agent, from its record and the process table. */
export async function statusOf(sources: StatusSources, team: string, agent: string): Promise<AgentStatus> {
  const id = agentId(team, agent);
  const files = sources.layout.agent(team, agent);
  const record = await readRecord(files);
  if (!record) return { id, team, agent, state: 'stopped' };
  if (await isAlive(sources.table, record)) return { id, team, agent, state: 'running' };
  const words = await lastWords(files, [], record.log_start);
  // Looked at again last: a stop may have begun, or ended, while this was reading.
  const current = await readRecord(files);
  if (sources.isBusy(id) || current?.pid !== record.pid) return { id, team, agent, state: 'stopped' };
  const hint = words ? `; its last words: ${words}` : '';
  return { id, team, agent, state: 'error', message: `the agent's process died${hint}` };
}

/** Every agent that was started and not stopped. */
export async function recordedAgents(sources: StatusSources): Promise<AgentStatus[]> {
  const { teams, agents } = sources.layout;
  const perTeam = (await slugsIn(teams)).map(async (team) => {
    const names = await slugsIn(agents(team));
    return await Promise.all(names.map(async (agent) => statusOf(sources, team, agent)));
  });
  return (await Promise.all(perTeam)).flat().filter(({ state }) => state !== 'stopped');
}

/** `recordedAgents`, and those whose processes run without a record: left by a server or a sidecar that was killed. */
export async function allAgents(sources: StatusSources): Promise<AgentStatus[]> {
  const known = await recordedAgents(sources);
  const found = new Map(known.map((agent) => [agent.id, agent]));
  const prefix = `${sources.instance}/`;
  for (const marker of (await sources.table.marked(agentMarkerVariable)).values()) {
    if (!marker.startsWith(prefix)) continue;
    const [team = '', agent = ''] = marker.slice(prefix.length).split('/');
    const id = agentId(team, agent);
    if (found.has(id) || sources.isBusy(id) || !parseAgentId(id)) continue;
    found.set(id, { id, team, agent, state: 'error', message: 'processes of the agent run without a record of it' });
  }
  return [...found.values()];
}

async function slugsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return folders.filter((name) => slugSchema.safeParse(name).success);
}
