import { readFileSync } from 'node:fs';
import { messageOf } from '@agentcrew/protocol';
import { freePort } from './free-port.ts';
import { boundLog } from './log-files.ts';
import { type NatsState, type NatsTeam, natsConfig, natsStateSchema } from './nats-config.ts';
import { natsFiles, until } from './nats-process.ts';
import { deleteAllStreams, takesLogin } from './nats-raw.ts';
import { natsSupervisor, type PortChoice, type SupervisorOptions } from './nats-supervisor.ts';
import { ensurePrivateFolder, readJsonFile, removePath, writePrivateFile } from './private-files.ts';
import type { ProcessIdentity } from './process-table.ts';
import { serialQueue } from './serial-queue.ts';

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
  const takes = (state: NatsState, team: NatsTeam) => async () => takesLogin(login(state, team), answerMs);

  async function ensureNow(wanted: NatsTeam): Promise<void> {
    const { team, token } = wanted;
    const state = await load();
    const known = state.teams.find((entry) => entry.team === team);
    const recorded = known?.token === token && known.active;
    if (recorded && (await takes(state, wanted)())) return;
    if (!recorded) state.teams = [...state.teams.filter((entry) => entry !== known), wanted];
    await save(state);
    await supervisor.repair(portOf(state), takes(state, wanted));
  }

  /**
   * nats-server 2.9 keeps a removed account's streams open on their files, and a later account of that name would
   * open them a second time. So a stopped team keeps its account, and a deleted one loses its streams first.
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
    if (removeData) await removePath(files.accountStore(team));
  }

  /** Stops a server that no team needs; else makes it forget the team when that is `removed`. */
  async function release(state: NatsState, running: ProcessIdentity, removed?: NatsTeam): Promise<void> {
    const needed = state.teams.find((entry) => entry.active);
    if (needed && !removed) return;
    if (needed && removed && (await tryForget(state, running, removed))) return;
    await supervisor.stop(running);
    if (needed) await supervisor.start(portOf(state), takes(state, needed));
  }

  /** Without a restart. The account must be gone for certain before its files are. */
  async function tryForget(state: NatsState, running: ProcessIdentity, team: NatsTeam): Promise<boolean> {
    try {
      await deleteAllStreams(login(state, team), answerMs);
    } catch (error) {
      const fields = { team: team.team, err: messageOf(error) };
      options.log.warn(fields, 'streams could not be deleted: nats-server is restarted without them');
      return false;
    }
    supervisor.reload(running);
    return await until(async () => !(await takes(state, team)()), reloadMs);
  }

  return {
    port: () => knownPort,
    ensureTeam: async (team, token, signal) =>
      queue.run('server', async () => {
        signal.throwIfAborted();
        await ensureNow({ team, token, active: true });
      }),
    dropTeam: async (team, removeData) => queue.run('server', async () => dropNow(team, removeData)),
    boundLog: async () => boundLog(files.log),
  };
}
