import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { CrewError } from '@agentcrew/protocol';
import { z } from 'zod';

const accountsSchema = z.record(
  z.string(),
  z.object({
    jetstream: z.literal('enabled'),
    users: z.tuple([z.object({ user: z.string(), password: z.string() })]),
  }),
);

/**
 * The file that an operator's nats-server includes in its `accounts`: one account with one user for each team. JSON is
 * a form of nats-server's configuration, so that the file is also what remembers the teams.
 */
export type Accounts = z.infer<typeof accountsSchema>;

/** The accounts in the file. One that is absent, or that the server could not have read, counts as empty. */
export async function readAccounts(file: string): Promise<Accounts> {
  try {
    return accountsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}

/** Replaces the file in one step, readable by this user only. Throws CrewError `STORAGE_UNAVAILABLE`. */
export async function writeAccounts(file: string, accounts: Accounts): Promise<void> {
  const next = `${file}.${randomUUID()}`;
  try {
    await writeFile(next, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 });
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true }).catch(() => undefined);
    throw new CrewError('STORAGE_UNAVAILABLE', `the accounts of NATS cannot be written to ${file}`, { cause: error });
  }
}

/** A team's password there; `undefined` when it has no account. */
export function passwordOf(accounts: Accounts, team: string): string | undefined {
  return Object.values(accounts).flatMap(({ users: [{ user, password }] }) => (user === team ? [password] : []))[0];
}

/**
 * The accounts with that of the team. Its name comes from the password: a team that is deployed again finds its own,
 * and what an earlier team of the same name has left cannot come back.
 */
export function withTeam(accounts: Accounts, team: string, password: string): Accounts {
  const name = `${team}-${createHash('sha256').update(password).digest('hex').slice(0, 8)}`;
  return { ...withoutTeam(accounts, team), [name]: { jetstream: 'enabled', users: [{ user: team, password }] } };
}

/** The accounts without that of the team. */
export function withoutTeam(accounts: Accounts, team: string): Accounts {
  return Object.fromEntries(Object.entries(accounts).filter(([, { users }]) => users[0].user !== team));
}
