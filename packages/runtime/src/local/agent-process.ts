import { type AgentSpec, agentMarker, agentMarkerVariable, CrewError } from '@agentcrew/protocol';
import { waitUntilReady } from '../shared/readiness.ts';
import { type AgentRecord, agentRecordSchema, specHash } from './agent-record.ts';
import { childEnvironment } from './child-environment.ts';
import { endFamily } from './end-processes.ts';
import { lastWords } from './failure-text.ts';
import type { AgentFiles } from './layout.ts';
import { rotateLog, sizeOf } from './log-files.ts';
import { readJsonFile, removePath, writePrivateFile } from './private-files.ts';
import { isAlive, type ProcessTable } from './process-table.ts';
import { checkReady } from './readiness.ts';
import { type DetachedChild, spawnDetached } from './spawn-detached.ts';

/** How long a sidecar may take to end its turn and its CLI before it is killed. */
const stopGraceMs = 8_000;
/** How long a running agent may be not ready (its bus reconnects) before a deploy replaces it. */
const adoptTimeoutMs = 15_000;

/** How the sidecars of this host are started. */
export interface SidecarLaunch {
  instance: string;
  node: string;
  main: string;
  readyTimeoutMs: number;
  hostEnvironment: Record<string, string | undefined>;
  table: ProcessTable;
}

/** Reads what is recorded of an agent's process; `undefined` when it was stopped or never started. */
export async function readRecord(files: AgentFiles): Promise<AgentRecord | undefined> {
  return await readJsonFile(files.record, agentRecordSchema);
}

/** Ends the agent with everything it started, and forgets the process. */
export async function endAgent(launch: SidecarLaunch, files: AgentFiles, team: string, agent: string): Promise<void> {
  const record = await readRecord(files);
  const marker = agentMarker({ instance: launch.instance, team, agent });
  await endFamily(launch.table, agentMarkerVariable, marker, record, stopGraceMs);
  await removePath(files.record);
  await removePath(files.health);
}

/** Whether a process runs with exactly this spec and is ready, or becomes so in a short while. */
export async function isRunningReady(
  launch: SidecarLaunch,
  files: AgentFiles,
  spec: AgentSpec,
  signal: AbortSignal,
): Promise<boolean> {
  const record = await readRecord(files);
  if (record?.spec_hash !== specHash(spec)) return false;
  const answer = await waitUntilReady(
    () => checkReady(files.health, record.pid, signal),
    async () => !(await isAlive(launch.table, record)),
    Math.min(adoptTimeoutMs, launch.readyTimeoutMs),
    signal,
  );
  return answer.ready;
}

/**
 * Starts a sidecar and waits until it is ready. The caller ends what it leaves when this fails.
 * @throws CrewError AGENT_FAILED when it ends instead, AGENT_NOT_READY at the deadline, the signal's reason on abort
 */
export async function startAgent(
  launch: SidecarLaunch,
  files: AgentFiles,
  spec: AgentSpec,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([rotateLog(files.stdout), rotateLog(files.stderr), removePath(files.health)]);
  const logStart = { stdout: await sizeOf(files.stdout), stderr: await sizeOf(files.stderr) };
  const child = await spawnSidecar(launch, files, spec);
  const identity = child.pid === undefined ? undefined : await launch.table.identify(child.pid);
  if (identity) {
    const record: AgentRecord = {
      ...identity,
      spec_hash: specHash(spec),
      started_at: new Date().toISOString(),
      log_start: logStart,
    };
    await writePrivateFile(files.record, `${JSON.stringify(record)}\n`);
  }
  const answer = await waitUntilReady(
    () => checkReady(files.health, child.pid ?? 0, signal),
    async () => child.exit !== undefined,
    launch.readyTimeoutMs,
    signal,
  );
  signal.throwIfAborted();
  if (answer.ready) return;
  if ('dead' in answer) {
    const words = await lastWords(files, Object.values(spec.secrets), logStart);
    const hint = words ? `: ${words}` : '';
    throw new CrewError('AGENT_FAILED', `agent ${spec.agent} ended while starting (${child.exit})${hint}`);
  }
  const seconds = Math.round(launch.readyTimeoutMs / 1_000);
  throw new CrewError('AGENT_NOT_READY', `agent ${spec.agent} was not ready after ${seconds} s: ${answer.reason}`);
}

/** The spec goes through a pipe: environment and command line can be read by others. */
async function spawnSidecar(launch: SidecarLaunch, files: AgentFiles, spec: AgentSpec): Promise<DetachedChild> {
  return await spawnDetached({
    command: launch.node,
    args: [launch.main],
    cwd: files.stateDir,
    env: childEnvironment(launch.hostEnvironment, {
      AGENT_SPEC_FILE: '-',
      [agentMarkerVariable]: agentMarker(spec),
    }),
    stdout: files.stdout,
    stderr: files.stderr,
    input: JSON.stringify(spec),
  });
}
