import { variables } from '@agentcrew/api/config.ts';
import { messageOf } from '@agentcrew/protocol';
import { startScriptedModel, temporaryFolder } from '@agentcrew/testkit';
import { cleanUp } from './demo/clean-up.ts';
import { Client } from './demo/client.ts';
import { bringUp, chat, leaderLog, showPlaces } from './demo/play.ts';
import { naturalMessage, scriptedMessage } from './demo/scene.ts';
import { Server } from './demo/server.ts';
import { detail, heading, indented } from './demo/show.ts';

const deadlineMs = 5 * 60_000;
/** Pause between the pieces of the scripted model's answers, so that there is something to watch. */
const typingMs = 15;

/** Somebody wants the demo to end: no failure, so nobody needs the logs. */
class Interrupted extends Error {}

/** The server's environment: of its variables only those that say what to talk to. */
function environment(modelUrl: string | undefined): Record<string, string | undefined> {
  const env = { ...process.env };
  for (const name of Object.keys(variables)) {
    delete env[name];
    delete env[`${name}_FILE`];
  }
  const { NATS_SERVER, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = process.env;
  if (modelUrl === undefined) return { ...env, NATS_SERVER, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL };
  return { ...env, NATS_SERVER, ANTHROPIC_API_KEY: 'for-the-scripted-model', ANTHROPIC_BASE_URL: modelUrl };
}

async function play(dataDir: string, signal: AbortSignal): Promise<void> {
  await using model = process.env.ANTHROPIC_API_KEY ? undefined : await startScriptedModel({ deltaDelayMs: typingMs });
  let server: Server | undefined;
  try {
    heading('Starting a server of its own');
    server = await Server.start(dataDir, environment(model?.url), signal);
    detail(`${server.url} (pid ${server.pid}), all its files in ${dataDir}`);
    const client = new Client(server.url, signal);
    const team = await bringUp(client, signal);
    await chat(client, team, model ? scriptedMessage(dataDir) : naturalMessage(), signal);
    await showPlaces(server, dataDir);
  } catch (error) {
    process.exitCode = 1;
    if (signal.reason instanceof Interrupted) return console.error(`\n${signal.reason.message}`);
    console.error(`\nThe demo failed: ${messageOf(signal.aborted ? signal.reason : error)}`);
    if (server) console.error(`The server's last lines:\n${indented(server.lastLines(15))}`);
    const words = await leaderLog(dataDir);
    if (words) console.error(`The leader's last lines:\n${indented(words)}`);
  } finally {
    await cleanUp(server, dataDir);
  }
}

const cut = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => cut.abort(new Interrupted(`Ended by ${name}`)));
}
const late = setTimeout(() => cut.abort(new Error('it took longer than 5 minutes')), deadlineMs);
await using folder = await temporaryFolder();
await play(folder.path, cut.signal);
clearTimeout(late);
