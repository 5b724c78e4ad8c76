import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteAllStreams, servesUser } from '@agentcrew/nats';
import { messageOf } from '@agentcrew/protocol';
import { serialQueue } from '../shared/serial-queue.ts';
import { freePort } from './free-port.ts';
import { boundLog } from './log-files.ts';
import { type NatsState, type NatsTeam, natsConfig, natsStateSchema } from './nats-config.ts';
import { natsFiles, until } from './nats-process.ts';
import { natsSupervisor, type PortChoice, type SupervisorOptions } from './nats-supervisor.ts';
import { ensurePrivateFolder, readJsonFile, removePath, writePrivateFile } from './private-files.ts';
import type { ProcessIdentity } from './process-table.ts';

const answerMs = 2_000;
const reloadMs = 5_000;

/** The one nats-server of this host: an account per team, started when a team needs it, stopped after the last. */
export interface NatsServer {
  /** `undefined` before the first team. */
  port(): number | undefined;
  /** Makes the server run and take the team's user; cheap when it does. */
  ensureTeam(team: string, token: string, signal: AbortSignal): Promise<void>;
  /** The team needs the server no more. @param removeData forget also what the team has stored there */
  dropTeam(team: string, removeData: boolean): Promise<void>;
  boundLog(): Promise<void>;
}

/** The port must be known at once after a restart of the API, when nobody has deployed anything yet. */
function readPort(stateFile: string): number | undefined {
  try {
    return natsStateSchema.parse(JSON.parse(readFileSync(stateFile, 'utf8'))).port;
  } catch {
    return undefined;
  }
}

/** Changes to the server happen one after another. */
export function natsServer(folder: string, options: Omit<SupervisorOptions, 'files'>): NatsServer {
  const files = natsFiles(folder);
  const supervisor = natsSupervisor({ ...options, files });
  const queue = serialQueue();
  let knownPort = readPort(files.state);

  async function load(): Promise<NatsState> {
    return (await readJsonFile(files.state, natsStateSchema)) ?? { port: await freePort(), teams: [] };
  }

  async function save(state: NatsState): Promise<void> {
    await ensurePrivateFolder(files.store);
    await writePrivateFile(files.state, `${JSON.stringify(state, null, 2)}\n`);
    await writePrivateFile(files.config, natsConfig(state, files.store));
    knownPort = state.port;
  }

  function portOf(state: NatsState): PortChoice {
    const change = async (port: number) => {
      state.port = port;
      await save(state);
    };
    return { current: () => state.port, change };
  }

  const login = (state: NatsState, { team, token }: NatsTeam) => ({ port: state.port, user: team, password: token });
  const serves = (state: NatsState, team: NatsTeam) => async () => servesUser(login(state, team), answerMs);

  /**
   * While nats-server takes in an account, it serves it already. It removes folders `streams` that are empty, and makes
   * one to see whether it can, and removes it again, with a stream that is in it by then. One with something in it
   * stays. The server says in its log that this is no stream; a newer one takes what begins with a dot for the rest of
   * a deleted stream, and removes it.
   */
  async function prepareStreams(account: string): Promise<void> {
    await ensurePrivateFolder(join(files.accounts, account, 'streams', '.new'));
  }

  async function ensureNow(team: string, token: string): Promise<void> {
    const state = await load();
    const known = state.teams.find((entry) => entry.team === team);
    const account = known?.account ?? `${team}-${randomBytes(4).toString('hex')}`;
    const wanted: NatsTeam = { team, account, token, active: true };
    const recorded = known?.token === token && known.active;
    if (recorded && (await serves(state, wanted)())) return;
    if (!recorded) state.teams = [...state.teams.filter((entry) => entry !== known), wanted];
    await save(state);
    await prepareStreams(account);
    await supervisor.repair(portOf(state), serves(state, wanted));
  }

  /**
   * nats-server 2.9 keeps a removed account's streams open on their files, and removes the files of a deleted stream
   * some time later. So a stopped team keeps its account, a deleted one loses its streams first, and a new team of
   * the same name gets an account, and with it a folder, of another name.
   */
  async function dropNow(team: string, removeData: boolean): Promise<void> {
    const state = await load();
    const known = state.teams.find((entry) => entry.team === team);
    if (known) {
      const running = await supervisor.running();
      known.active = false;
      if (removeData) state.teams = state.teams.filter((entry) => entry !== known);
      await save(state);
      if (running) await release(state, running, removeData ? known : undefined);
    }
    if (removeData) await removeStrays(state);
  }

  /** Removes what accounts have stored that are no more, also those of a removal that was cut off. */
  async function removeStrays(state: NatsState): Promise<void> {
    const strays = (await readdir(files.accounts).catch(() => [])).filter(
      (name) => !name.startsWith('$') && !state.teams.some(({ account }) => account === name),
    );
    for (const account of strays) await removePath(join(files.accounts, account));
  }

  /** Stops a server that no team needs; else makes it forget the team when that is `removed`. */
  async function release(state: NatsState, running: ProcessIdentity, removed?: NatsTeam): Promise<void> {
    const needed = state.teams.find((entry) => entry.active);
    if (needed && !removed) return;
    if (needed && removed && (await tryForget(state, running, removed, needed))) return;
    await supervisor.stop(running);
    if (needed) await supervisor.start(portOf(state), serves(state, needed));
  }

  /** Without a restart. The account must be gone for certain before its files are. */
  async function tryForget(
    state: NatsState,
    running: ProcessIdentity,
    team: NatsTeam,
    needed: NatsTeam,
  ): Promise<boolean> {
    try {
      await deleteAllStreams(login(state, team), answerMs);
    } catch (error) {
      const fields = { team: team.team, err: messageOf(error) };
      options.log.warn(fields, 'streams could not be deleted: nats-server is restarted without them');
      return false;
    }
    supervisor.reload(running);
    const gone = async () => !(await serves(state, team)());
    return (await until(gone, reloadMs)) && (await until(serves(state, needed), reloadMs));
  }

  return {
    port: () => knownPort,
    ensureTeam: async (team, token, signal) =>
      queue.run('server', async () => {
        signal.throwIfAborted();
        await ensureNow(team, token);
      }),
    dropTeam: async (team, removeData) => queue.run('server', async () => dropNow(team, removeData)),
    boundLog: async () => boundLog(files.log),
  };
}
