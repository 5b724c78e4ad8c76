import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ScriptedModel, startScriptedModel, temporaryFolder } from '@agentcrew/testkit';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { type ClaudeEvent, type ClaudeOptions, startClaude, type ToolCall } from '../src/index.ts';

/** A place for one agent: scripted model, workspace, session. `start` starts the real CLI in it, also repeatedly. */
export async function agentPlace(changes: Partial<ClaudeOptions> = {}) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const model: ScriptedModel = await startScriptedModel();
  onTestFinished(() => model[Symbol.asyncDispose]());
  const cwd = join(folder.path, 'workspace');
  const home = join(folder.path, 'home');
  await Promise.all([mkdir(cwd), mkdir(home)]);

  const events: ClaudeEvent[] = [];
  const calls: ToolCall[] = [];
  const options: ClaudeOptions = {
    cwd,
    home,
    configDir: join(folder.path, 'config'),
    sessionId: randomUUID(),
    model: 'claude-sonnet-4-5',
    instructions: 'You are a test.',
    tools: ['Bash', 'Read', 'Edit', 'Write', 'Glob', 'Grep', 'Agent'],
    anthropicBaseUrl: model.url,
    apiKey: 'test-key',
    env: {},
    decide: async (call) => {
      calls.push(call);
      return { behavior: 'allow' };
    },
    onEvent: (event) => events.push(event),
    ...changes,
  };
  const start = async (more: Partial<ClaudeOptions> = {}) => {
    const cli = await startClaude({ ...options, ...more });
    onTestFinished(() => cli[Symbol.asyncDispose]());
    return cli;
  };
  return { model, options, cwd, events, calls, start };
}

/** A turn's input with a new uuid. */
export function say(content: string | string[]) {
  return { content, uuid: randomUUID() };
}

/** What the model was asked last. */
export function requestBody(model: ScriptedModel): { system: unknown; messages: unknown } {
  return z.looseObject({ system: z.unknown(), messages: z.unknown() }).parse(model.requests.at(-1)?.body);
}
