import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentSpec, processFiles } from '@agentcrew/protocol';
import { writeFileAtomically } from './atomic-file.ts';
import { ConfigError } from './config.ts';
import { prepareFolders } from './folders.ts';

/** Says whose the state is. */
const ownerFile = 'agent-id';

/**
 * Makes the state folder this agent's own. State belongs to an agent and its folder to a name: what a deleted agent of this
 * name left there is deleted before anything reads it. State that says nothing of its owner stays; it is older than owners.
 * @returns whether something was deleted
 * @throws ConfigError when that cannot be, as no agent may go on with another's state
 */
export function ownState(spec: Pick<AgentSpec, 'agent_id' | 'state_dir' | 'workspace'>): boolean {
  const { agent_id, state_dir } = spec;
  if (agent_id === undefined) return false;
  const file = join(state_dir, ownerFile);
  try {
    const owner = read(file);
    if (owner === agent_id) return false;
    if (owner !== undefined) {
      empty(state_dir);
      prepareFolders(spec);
    }
    // Last: until then the state is the other's, also after a kill in between.
    writeFileAtomically(file, agent_id);
    return owner !== undefined;
  } catch (error) {
    throw new ConfigError([`state_dir: ${state_dir} cannot be made this agent's own (${codeOf(error)})`]);
  }
}

/** Deletes everything but the owner, and what the runtime knows of this very process. */
function empty(folder: string): void {
  const { record, stdout, stderr } = processFiles;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name === stdout || name === stderr) truncateSync(path);
    // The record may be on its way, under a name that is longer.
    else if (name !== ownerFile && !name.startsWith(record)) remove(path);
  }
}

/** Folders that nobody may write to, as package managers make them, keep what is in them. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    makeWritable(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function makeWritable(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) makeWritable(join(path, name));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
