import { slugSchema } from '@agentcrew/protocol';
import { z } from 'zod';

const natsTeamSchema = z.object({
  team: slugSchema,
  /** Name of the account, another one each time a team of this name is new: see `dropTeam`. */
  account: z.string(),
  token: z.string(),
  /** Has infrastructure now. An inactive team keeps its account. */
  active: z.boolean(),
});
export type NatsTeam = z.infer<typeof natsTeamSchema>;

/** `teams.json`: what the server of this host serves. It survives the API, the server and the host. */
export const natsStateSchema = z.object({
  port: z.int().min(1).max(65_535),
  teams: z.array(natsTeamSchema),
});
export type NatsState = z.infer<typeof natsStateSchema>;

/** Largest message in bytes. */
const maxPayload = 8 * 1024 * 1024;

/** The configuration file: loopback only, JetStream on files, an account with one user per team. */
export function natsConfig(state: NatsState, storeDir: string): string {
  const accounts = state.teams.map(({ team, account, token }) => {
    const user = `{ user: ${JSON.stringify(team)}, password: ${JSON.stringify(token)} }`;
    return `  ${JSON.stringify(account)}: { jetstream: enabled, users: [ ${user} ] }\n`;
  });
  return [
    `listen: "127.0.0.1:${state.port}"\n`,
    `max_payload: ${maxPayload}\n`,
    `jetstream { store_dir: ${JSON.stringify(storeDir)} }\n`,
    `accounts {\n${accounts.join('')}}\n`,
  ].join('');
}
