import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { type ClaudeOptions, launch } from '@agentcrew/claude';
import { defaultPermissions, toolsFor } from '@agentcrew/permissions';
import { apiKey } from '../shared/server.ts';
import { type Sample, type Setting, sampleOf, type Way } from './way.ts';

type Line = { type?: string; is_error?: boolean; result?: string };

/** The CLI alone, kept warm: a line to its standard input, the result line from its output. */
export async function startBareCli(setting: Setting): Promise<Way> {
  const cli = await start(await optionsFor(setting), setting.signal);
  cli.write({ type: 'control_request', request_id: 'start', request: { subtype: 'initialize' } });
  await cli.line('control_response');
  return {
    async turn(text): Promise<Sample> {
      const sentAt = performance.now();
      cli.write(userLine(text));
      const answeredAt = await cli.line('result');
      return sampleOf(setting.model, text, sentAt, answeredAt);
    },
    [Symbol.asyncDispose]: () => cli.end(),
  };
}

/** A CLI for every message, in one session that each continues. The whole turn lasts until the process has ended. */
export async function startProcessPerMessage(setting: Setting): Promise<Way> {
  const options = await optionsFor(setting);
  return {
    async turn(text): Promise<Sample> {
      const sentAt = performance.now();
      const cli = await start(options, setting.signal);
      cli.write(userLine(text));
      const answeredAt = await cli.line('result');
      await cli.end();
      const endedAt = performance.now();
      return { ...(await sampleOf(setting.model, text, sentAt, answeredAt)), whole: endedAt - sentAt };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The same as the product's agents are started with. */
async function optionsFor({ model, folder, instructions }: Setting): Promise<ClaudeOptions> {
  const cwd = join(folder, 'workspace');
  const home = join(folder, 'home');
  for (const path of [cwd, home]) await mkdir(path, { recursive: true });
  return {
    ...{ cwd, home, configDir: join(folder, 'claude'), instructions },
    sessionId: randomUUID(),
    tools: toolsFor(defaultPermissions('local', cwd)),
    anthropicBaseUrl: model.url,
    apiKey,
    env: {},
    // Nobody listens: the lines are read as they come.
    decide: async () => ({ behavior: 'deny', message: 'no tools here' }),
    onEvent: () => {},
  };
}

async function start(options: ClaudeOptions, signal: AbortSignal) {
  const child = await launch(options);
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout });
  const exited = child.exit.then(() => {
    throw new Error('the CLI ended too early');
  });
  exited.catch(() => {});
  return {
    write: (line: object) => void child.stdin.write(`${JSON.stringify(line)}\n`),
    /** When the next line of this type came. */
    line: (type: string) => Promise.race([nextLine(lines, type, signal), exited]),
    async end(): Promise<void> {
      child.stdin.end();
      const kill = setTimeout(() => child.terminate(), 5_000);
      await child.exit;
      clearTimeout(kill);
    },
  };
}

/** Listens to every line until one is of the type: several may come at once. */
async function nextLine(lines: Interface, type: string, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const listener = (text: string) => {
    const at = performance.now();
    const line = JSON.parse(text) as Line;
    if (line.type !== type) return;
    if (line.is_error) reject(new Error(`the turn failed: ${line.result}`));
    else resolve(at);
  };
  const onAbort = () => reject(signal.reason);
  lines.on('line', listener);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    lines.off('line', listener);
    signal.removeEventListener('abort', onAbort);
  }
}

function userLine(text: string): object {
  const message = { role: 'user', content: text };
  return { type: 'user', message, parent_tool_use_id: null, session_id: '', uuid: randomUUID() };
}
