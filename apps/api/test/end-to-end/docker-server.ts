import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, hostGateway, type ScriptedModel, startScriptedModel, temporaryFolder } from '@agentcrew/testkit';
import { Client } from './client.ts';
import { agentImage, labelled, removeAll } from './docker.ts';
import { type Server, startServer } from './server.ts';

/** A server on the Docker runtime with a data folder and a model of its own. Disposing removes all it has made. */
export interface DockerServer extends AsyncDisposable {
  readonly client: Client;
  readonly model: ScriptedModel;
  /** A team's name that no other test uses. */
  readonly name: string;
  /** What the server has logged since its last start. */
  output(): string;
  /** `kill -9`, so that a start has to find out what there is. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ids of everything of this installation in the engine. */
  made(): ReturnType<typeof labelled>;
  /** Text of the leader's reply to a message. */
  says(teamId: string, message: string): Promise<string | undefined>;
}

/** @param apiKey the key of the agents; the model takes no other */
export async function startDockerServer(apiKey: string): Promise<DockerServer> {
  const model = await startScriptedModel({ host: await hostGateway(agentImage), apiKey });
  const folder = await temporaryFolder();
  const port = await freePort();
  const env = { RUNTIME: 'docker', ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: model.url };
  const open = async () => startServer({ dataDir: folder.path, port, env });
  let server: Server = await open();
  const client = new Client(server.url);
  const instance = readFileSync(join(folder.path, 'instance-id'), 'utf8').trim();

  return {
    client,
    model,
    name: `t${randomBytes(4).toString('hex')}`,
    output: () => server.output(),
    async kill() {
      await server.end('SIGKILL');
    },
    async start() {
      server = await open();
    },
    made: async () => labelled(`agentcrew.instance=${instance}`),
    async says(teamId, message) {
      const { message_id } = await client.chat(teamId, message);
      return (await client.reply(teamId, message_id)).payload.result;
    },
    async [Symbol.asyncDispose]() {
      await server.end('SIGKILL');
      await removeAll(instance);
      await model[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
