import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type ScriptedModel, startScriptedModel, temporaryFolder, testKubeconfig } from '@agentcrew/testkit';
import { Client } from './client.ts';
import { host, kubectl, madeBy, removeAll } from './kubernetes.ts';
import { type Server, startServer } from './server.ts';

/** A server on this machine and a team's name, with agents in the cluster. Disposing removes all that was made there. */
export interface KubernetesServer extends AsyncDisposable {
  readonly client: Client;
  readonly model: ScriptedModel;
  /** A team's name that no other test uses. */
  readonly name: string;
  /** The namespace of that team. */
  readonly namespace: string;
  /** What is left of the team in a cluster after a stop. */
  readonly kept: string[];
  /** What the server has logged since its last start. */
  output(): string;
  /** `kill -9`, so that a start has to find out what there is. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Everything of this installation in the cluster, as `kind/name`. */
  made(): Promise<string[]>;
  /** Output of a kubectl command in the team's namespace. */
  kubectl(...args: string[]): Promise<string>;
  /** Output of a shell command in an agent's pod. */
  inAgent(agent: string, command: string): Promise<string>;
  /** `kill -9` of the processes of an agent whose command line has the text. */
  killInAgent(agent: string, program: string): Promise<unknown>;
  /** Text of the leader's reply to a message. */
  says(teamId: string, message: string): Promise<string | undefined>;
}

/**
 * @param apiKey the key of the agents; the model takes no other
 * @param settings more variables of the server
 */
export async function startKubernetesServer(apiKey: string, settings = {}): Promise<KubernetesServer> {
  const model = await startScriptedModel({ host, apiKey });
  const folder = await temporaryFolder();
  const port = await freePort();
  const env = {
    RUNTIME: 'kubernetes',
    KUBECONFIG: testKubeconfig() ?? '',
    ANTHROPIC_API_KEY: apiKey,
    ANTHROPIC_BASE_URL: model.url,
    ...settings,
  };
  const open = async () => startServer({ dataDir: folder.path, port, env });
  let server: Server = await open();
  const client = new Client(server.url);
  const instance = readFileSync(join(folder.path, 'instance-id'), 'utf8').trim();
  const name = `t${randomBytes(4).toString('hex')}`;
  const namespace = `agentcrew-${name}`;
  const inNamespace = async (...args: string[]) => kubectl('--namespace', namespace, ...args);
  const inAgent = async (agent: string, command: string) =>
    inNamespace('exec', `agent-${agent}-0`, '--', 'sh', '-c', command);

  return {
    client,
    model,
    name,
    namespace,
    kept: [`namespace/${namespace}`, 'persistentvolumeclaim/nats', 'persistentvolumeclaim/workspace'],
    output: () => server.output(),
    async kill() {
      await server.end('SIGKILL');
    },
    async start() {
      server = await open();
    },
    made: async () => madeBy(instance),
    kubectl: inNamespace,
    inAgent,
    // In brackets, so that the command does not find itself; it may end together with the pod's container.
    killInAgent: async (agent, program) =>
      inAgent(
        agent,
        `kill -9 $(grep -l '[${program[0]}]${program.slice(1)}' /proc/[0-9]*/cmdline | cut -d / -f 3)`,
      ).catch(() => undefined),
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
