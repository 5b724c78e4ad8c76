/** Port of a team's NATS in its container or pod. */
export const natsPort = 4222;
/** Largest message in bytes. */
const maxPayload = 8 * 1024 * 1024;

export interface NatsConfigOptions {
  team: string;
  /** Password of the team's user. */
  token: string;
  /** Where it tells over HTTP how it is; absent: nowhere. */
  monitorPort?: number;
}

/** Configuration of a team's nats-server: one account with one user, JetStream on files in `/data`. */
export function natsConfig({ team, token, monitorPort }: NatsConfigOptions): string {
  const login = `{ user: ${JSON.stringify(team)}, password: ${JSON.stringify(token)} }`;
  return [
    `listen: "0.0.0.0:${natsPort}"\n`,
    monitorPort === undefined ? '' : `http_port: ${monitorPort}\n`,
    `max_payload: ${maxPayload}\n`,
    'jetstream { store_dir: "/data" }\n',
    `accounts { team: { jetstream: enabled, users: [ ${login} ] } }\n`,
  ].join('');
}
