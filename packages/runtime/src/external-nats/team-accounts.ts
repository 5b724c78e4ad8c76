import { setTimeout as sleep } from 'node:timers/promises';
import { deleteAllStreams, loginOf, reloadServer, servesUser } from '@agentcrew/nats';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { RuntimeLogger } from '../shared/logger.ts';
import { serialQueue } from '../shared/serial-queue.ts';
import { type Accounts, passwordOf, readAccounts, withoutTeam, withTeam, writeAccounts } from './accounts-file.ts';

const answerMs = 2_000;
/** How long the server may take to know a new team; it may just be starting. */
const knownWithinMs = 15_000;
const pollMs = 100;

export interface TeamAccountsOptions {
  /** The server, with a user of its system account: `nats://user:password@host:port`. */
  systemUrl: string;
  /** The file that the server includes in its `accounts`, as this process sees it. */
  file: string;
  log: RuntimeLogger;
}

/** The teams' accounts on a nats-server (2.10 or newer) that somebody else runs. */
export interface TeamAccounts {
  /** The server's URL without any user: a team connects with its slug and its token. */
  readonly url: string;
  /** Host in that URL. */
  readonly host: string;
  /** Makes the server take the team's user; cheap when it does. @throws CrewError NATS_UNAVAILABLE */
  ensureTeam(team: string, token: string, signal: AbortSignal): Promise<void>;
  /** Deletes the team's account with its streams; unknown is no error. */
  removeTeam(team: string): Promise<void>;
}

/** Changes to the file happen one after another. */
export function teamAccounts({ systemUrl, file, log }: TeamAccountsOptions): TeamAccounts {
  const system = loginOf(systemUrl);
  const { host, port } = system;
  const queue = serialQueue();
  const loginFor = (team: string, password: string) => ({ host, port, user: team, password });

  async function ensureNow(team: string, token: string, signal: AbortSignal): Promise<void> {
    const login = loginFor(team, token);
    const accounts = await readAccounts(file);
    if (passwordOf(accounts, team) === token) {
      if (await servesUser(login, answerMs)) return;
    } else {
      await writeAccounts(file, withTeam(accounts, team, token));
    }
    let failure: unknown;
    for (const deadline = performance.now() + knownWithinMs; performance.now() < deadline; await sleep(pollMs)) {
      signal.throwIfAborted();
      failure = await reloadServer(system, answerMs).catch((error: unknown) => error);
      if (!failure && (await servesUser(login, answerMs))) return;
    }
    const reason = failure === undefined ? 'it does not include the file of accounts' : messageOf(failure);
    throw new CrewError('NATS_UNAVAILABLE', `NATS at ${host}:${port} does not take team ${team}: ${reason}`);
  }

  async function removeNow(team: string): Promise<void> {
    const accounts = await readAccounts(file);
    const password = passwordOf(accounts, team);
    if (password === undefined) return;
    await forget(accounts, team, password).catch((error: unknown) => {
      log.warn({ team, err: messageOf(error) }, "a team's account is gone from NATS only after its next restart");
    });
  }

  async function forget(accounts: Accounts, team: string, password: string): Promise<void> {
    const deleted = deleteAllStreams(loginFor(team, password), answerMs);
    await deleted.catch((error: unknown) => {
      log.warn({ team, err: messageOf(error) }, "a team's streams could not be deleted from NATS");
    });
    await writeAccounts(file, withoutTeam(accounts, team));
    await reloadServer(system, answerMs);
  }

  return {
    url: `nats://${host}:${port}`,
    host,
    ensureTeam: async (team, token, signal) => queue.run('file', async () => ensureNow(team, token, signal)),
    removeTeam: async (team) => queue.run('file', async () => removeNow(team)),
  };
}
