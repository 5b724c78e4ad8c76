import { fileURLToPath } from 'node:url';
import { readConfig } from '@agentcrew/api/config.ts';
import { messageOf } from '@agentcrew/protocol';
import { hostGateway, startScriptedModel } from '@agentcrew/testkit';

const credentials = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'];

/**
 * Starts the scripted model and makes it what agents talk to. Its port stays the same from run to run: agents outlive
 * the server and go on to use the address they were started with.
 */
async function useScriptedModel(port: number): Promise<void> {
  const inContainers = process.env.RUNTIME === 'docker';
  const host = inContainers ? await hostForContainers() : '127.0.0.1';
  const model = await startScriptedModel({ host, port, deltaDelayMs: 15 }).catch((error: unknown) => {
    console.error(
      `The scripted model did not start: ${messageOf(error)}. Perhaps \`make dev\` runs already; otherwise set PORT: the model takes the port after it.`,
    );
    process.exit(1);
  });
  process.env.ANTHROPIC_API_KEY = 'for-the-scripted-model';
  process.env.ANTHROPIC_BASE_URL = inContainers ? `http://host.docker.internal:${port}` : model.url;
}

/** What listens there can be reached as `host.docker.internal`; Docker Desktop leads that to loopback. */
async function hostForContainers(): Promise<string> {
  if (process.platform !== 'linux') return '127.0.0.1';
  return await hostGateway(readConfig(process.env).AGENT_IMAGE).catch((error: unknown) => {
    console.error(`${messageOf(error)}\nDocker with the image of the agents is needed: make images`);
    process.exit(1);
  });
}

function hints(url: string, scripted: boolean, signIn: boolean): string {
  const team = '{"name":"first","agents":[{"name":"ada","role":"leader"},{"name":"ben","specialty":"research"}]}';
  const json = "-H 'content-type: application/json'";
  const model = scripted
    ? 'No credential is set: a scripted model answers. To talk to Claude: ANTHROPIC_API_KEY=… make dev'
    : 'The agents talk to Claude with the credential of your environment.';
  if (signIn)
    return `
${model}
Everything there is to call: ${url}/docs. The first who registers owns all that is here: docs/auth.md has the calls.
`;
  return `
${model}
Everything there is to call: ${url}/docs. To try, one after another in a second terminal (a deploy takes a few seconds):

  id=$(curl -s ${url}/api/teams ${json} -d '${team}' | cut -d '"' -f 4); curl -s -X POST ${url}/api/teams/$id/deploy
  curl -s ${url}/api/teams/$id/chat ${json} -d '{"message":"Hello! Who are you?"}'
  curl -s ${url}/api/teams/$id/messages

Ctrl-C ends the server. The agents of a team go on, and the next start finds them; stopping the team ends them:
  curl -s -X POST ${url}/api/teams/$id/stop
`;
}

/** Where the server will listen, and whether it asks who calls. A configuration that cannot be used ends everything here. */
function configuration(): { port: number; signIn: boolean } {
  try {
    const { PORT, LISTEN_ADDR, AUTH_PROVIDER } = readConfig(process.env);
    return { port: PORT ?? LISTEN_ADDR.port, signIn: AUTH_PROVIDER === 'local' };
  } catch (error) {
    console.error(messageOf(error));
    process.exit(1);
  }
}

process.env.RUNTIME ||= 'local';
process.env.DATA_DIR ||= fileURLToPath(new URL('../data', import.meta.url));
const { port, signIn } = configuration();
const scripted = credentials.every((name) => !process.env[name] && !process.env[`${name}_FILE`]);
if (scripted) await useScriptedModel(port + 1);
await import('@agentcrew/api/main.ts');
console.log(hints(`http://127.0.0.1:${port}`, scripted, signIn));
