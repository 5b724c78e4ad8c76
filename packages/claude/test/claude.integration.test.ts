import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { latch, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { transcriptState } from '../src/index.ts';
import { agentPlace, requestBody, say } from './cli.ts';

test('two turns in one process', async () => {
  const { model, options, events, start } = await agentPlace();
  const cli = await start();
  const first = await cli.turn(say('hello'));
  expect(first).toMatchObject({
    outcome: 'completed',
    text: 'You said: hello',
    terminalReason: 'completed',
    sessionId: options.sessionId,
    usage: {
      input_tokens: 100,
      output_tokens: 42,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 30,
    },
  });
  const second = await cli.turn(say(['some context', '!think hmm\n!say the answer']));
  expect(second).toMatchObject({ outcome: 'completed', text: 'the answer' });
  expect(second.costUsd).toBeCloseTo(first.costUsd, 9);
  expect(first.costUsd).toBeGreaterThan(0);

  expect(events.find((event) => event.type === 'init')).toMatchObject({
    model: 'claude-sonnet-4-5',
    sessionId: options.sessionId,
    tools: expect.arrayContaining(['Bash', 'Read']),
  });
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'assistant', content: [{ type: 'thinking', thinking: 'hmm' }] }),
  );
  expect(events.some((event) => event.type === 'stream')).toBe(true);
  expect(JSON.stringify(model.requests[1]?.body)).toContain('some context');
  expect(JSON.stringify(model.requests[1]?.body)).toContain('You are a test.');
});

test('every call is asked about, a harmless one too; an allowed tool runs, with the input that the decision gave it', async () => {
  const { cwd, calls, events, start } = await agentPlace({
    decide: async (call) => {
      calls.push(call);
      return { behavior: 'allow', updatedInput: { ...call.input, command: `${call.input.command}; touch also` } };
    },
  });
  const cli = await start();
  const result = await cli.turn(say('!tool Bash {"command":"echo from-tool; touch made"}'));
  expect(result).toMatchObject({ outcome: 'completed', text: 'Done. from-tool' });
  expect(calls).toMatchObject([{ tool: 'Bash', input: { command: 'echo from-tool; touch made' } }]);
  expect((await readdir(cwd)).sort()).toEqual(['also', 'made']);
  await cli.turn(
    say(`!tool Glob {"pattern":"*"}\n!tool Read {"file_path":"${cwd}/made"}\n!tool Bash {"command":"ls"}`),
  );
  expect(calls.map(({ tool }) => tool)).toEqual(['Bash', 'Glob', 'Read', 'Bash']);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'tool_result', isError: false, content: expect.stringContaining('from-tool') }),
  );
});

test('a tool that is denied, or whose decision fails, does not run', async () => {
  const { cwd, start } = await agentPlace({
    decide: async (call) => {
      if (call.tool === 'Bash') return { behavior: 'deny', message: 'no commands on Sundays' };
      throw new Error('the policy is broken');
    },
  });
  const cli = await start();
  const denied = await cli.turn(say('!tool Bash {"command":"touch made"}'));
  expect(denied).toMatchObject({ outcome: 'completed', text: expect.stringContaining('no commands on Sundays') });
  const file = join(cwd, 'made');
  const failed = await cli.turn(say(`!tool Write {"file_path":"${file}","content":"x"}`));
  expect(failed.text).toContain('The permission check failed');
  expect(failed.text).not.toContain('broken');
  expect(existsSync(file)).toBe(false);
});

test('a subagent asks too, counts in usage, and its words carry the call they belong to', async () => {
  const { calls, events, start } = await agentPlace();
  const cli = await start();
  const prompt = '!tool Bash {"command":"echo below"}\n!say subagent is done';
  const input = { description: 'd', prompt, subagent_type: 'general-purpose' };
  const result = await cli.turn(say(`!tool Agent ${JSON.stringify(input)}\n!say all done`));
  expect(result).toMatchObject({ outcome: 'completed', text: 'all done', usage: { output_tokens: 4 * 42 } });
  expect(calls).toMatchObject([{ tool: 'Agent' }, { tool: 'Bash', agentId: expect.any(String) }]);
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'assistant',
      content: [{ type: 'text', text: 'subagent is done' }],
      parentToolUseId: expect.stringMatching(/^toolu_/),
    }),
  );
});

test('interrupt ends a turn while a tool runs, while it waits for a decision, and while text streams', async () => {
  const decision = latch();
  const aborted = latch();
  const { cwd, model, events, start } = await agentPlace({
    decide: async (call, signal) => {
      if (call.tool !== 'Read') return { behavior: 'allow' };
      decision.open();
      signal.addEventListener('abort', () => aborted.open());
      await aborted.promise;
      return { behavior: 'allow' };
    },
  });
  const cli = await start();
  await cli.interrupt();

  const tool = cli.turn(say('!tool Bash {"command":"touch begun; read -t 120 < <(tail -f /dev/null); touch ended"}'));
  await waitFor('the command to begin', () => existsSync(join(cwd, 'begun')), { timeoutMs: 60_000 });
  await cli.interrupt();
  expect(await tool).toMatchObject({ outcome: 'interrupted', terminalReason: 'aborted_tools' });

  const waiting = cli.turn(say('!tool Read {"file_path":"/etc/hostname"}'));
  await decision.promise;
  await cli.interrupt();
  expect((await waiting).outcome).toBe('interrupted');
  await aborted.promise;

  const streaming = cli.turn(say('!say so far\n!hang'));
  await model.waitForRequest('the streamed answer', (request) => request.userText === '!say so far\n!hang');
  await waitFor('some text', () => JSON.stringify(events.at(-1)).includes('so far'));
  await cli.interrupt();
  expect(await streaming).toMatchObject({ outcome: 'interrupted', terminalReason: 'aborted_streaming' });

  expect(await cli.turn(say('!say still here'))).toMatchObject({ outcome: 'completed', text: 'still here' });
  expect(existsSync(join(cwd, 'ended'))).toBe(false);
});

test('errors of the model: retried ones are told, the final one ends the turn, and the process goes on', async () => {
  const { events, start } = await agentPlace();
  const cli = await start();
  const recovered = await cli.turn(say('!fail 529 x1\n!say recovered'));
  expect(recovered).toMatchObject({ outcome: 'completed', text: 'recovered' });
  expect(events).toContainEqual(expect.objectContaining({ type: 'retry', attempt: 1, status: 529 }));

  const refused = await cli.turn(say('!fail 403 x99'));
  expect(refused).toMatchObject({ outcome: 'failed', apiStatus: 403, costUsd: 0 });

  const unauthorized = cli.turn(say('!fail 401 x99'));
  const isRetry = (event: (typeof events)[number]) => event.type === 'retry' && event.status === 401;
  expect(await waitFor('the retry', () => events.find(isRetry))).toMatchObject({ error: 'authentication_failed' });
  await cli.interrupt();
  expect((await unauthorized).outcome).toBe('interrupted');
  expect((await cli.turn(say('!drop\n!say back'))).text).toBe('back');
});

test.each([
  ['api key', { apiKey: 'canary-api-key-5417' }, 'x-api-key', 'canary-api-key-5417'],
  ['token', { apiKey: undefined, oauthToken: 'canary-token-5417' }, 'authorization', 'Bearer canary-token-5417'],
])(
  'the %s reaches the model, but neither process environment, arguments, tools nor files',
  async (_, secret, header, value) => {
    const { model, options, start } = await agentPlace({ ...secret, env: { AGENTCREW_AGENT: 'i/t/a', CLAUDE_X: 'x' } });
    const cli = await start();
    // `$PPID` is the CLI.
    const command = String.raw`env; for p in self $PPID; do cat /proc/$p/environ /proc/$p/cmdline | tr '\0' ' '; done`;
    const result = await cli.turn(say(`!tool Bash ${JSON.stringify({ command })}`));
    expect(model.requests.at(-1)?.headers[header]).toBe(value);
    expect(result.text).toContain('AGENTCREW_AGENT=i/t/a');
    expect(result.text).toContain('--permission-prompt-tool stdio');
    expect(result.text).not.toContain('CLAUDE_X');

    const seen = [result.text];
    if (process.platform === 'linux') {
      seen.push(await readFile(`/proc/${cli.pid}/environ`, 'utf8'), await readFile(`/proc/${cli.pid}/cmdline`, 'utf8'));
    }
    const files = await readdir(options.configDir, { recursive: true, withFileTypes: true });
    for (const file of files) {
      if (file.isFile()) seen.push(await readFile(join(file.parentPath, file.name), 'utf8'));
    }
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.filter((text) => text.includes('canary'))).toEqual([]);
  },
);

test('a message of 1 MB and instructions of 300 KB arrive; a mentioned file is not read unasked', async () => {
  const { model, options, calls, start } = await agentPlace({ instructions: `BEGIN ${'i'.repeat(300_000)} END-OF-IT` });
  const cli = await start();
  const mentioned = join(options.home, 'mentioned.txt');
  await writeFile(mentioned, 'not asked for');
  const big = `${'x'.repeat(1_000_000)} @${mentioned}`;
  const result = await cli.turn(say(big));
  expect(result.outcome).toBe('completed');
  const body = requestBody(model);
  expect(JSON.stringify(body.system)).toContain('END-OF-IT');
  expect(JSON.stringify(body.messages)).toContain('x'.repeat(1_000_000));
  expect(JSON.stringify(body.messages)).not.toContain('not asked for');
  expect(calls).toEqual([]);
});

test('killed in a turn: the turn is rejected, the transcript tells how far it came, the session goes on', async () => {
  const { model, options, cwd, start } = await agentPlace();
  const stateOf = ({ uuid }: { uuid: string }) => transcriptState(options.configDir, options.sessionId, uuid);
  const cli = await start();
  const answered = say('!think first\n!tool Bash {"command":"echo hi"}\n!say the first answer');
  await cli.turn(answered);
  const cutOff = say('!tool Bash {"command":"touch begun; read -t 20 < <(tail -f /dev/null)"}');
  const turn = cli.turn(cutOff);
  turn.catch(() => {});
  await waitFor('the command to begin', () => existsSync(join(cwd, 'begun')), { timeoutMs: 60_000 });
  process.kill(cli.pid, 'SIGKILL');

  await expect(turn).rejects.toMatchObject({ code: 'CLI_FAILED', details: { signal: 'SIGKILL' } });
  expect(await cli.exited).toMatchObject({ signal: 'SIGKILL' });
  await expect(cli.turn(say('too late'))).rejects.toMatchObject({ code: 'CLI_FAILED' });
  expect(await stateOf(answered)).toEqual({ finished: 'the first answer' });
  expect(await stateOf(cutOff)).toBe('started');
  expect(await stateOf(say('never sent'))).toBe('absent');

  const resumed = await start({ instructions: 'New instructions.' });
  const after = say('!say resumed');
  expect(await resumed.turn(after)).toMatchObject({ text: 'resumed', sessionId: options.sessionId });
  const { messages, system } = requestBody(model);
  expect(JSON.stringify(messages)).toContain('the first answer');
  expect(JSON.stringify(system)).toContain('New instructions.');
  expect(await stateOf(cutOff)).toBe('started');
  expect(await stateOf(after)).toEqual({ finished: 'resumed' });
});

test('killed while the model thinks: the turn is recorded; the cost of a resumed session starts anew', async () => {
  const { model, options, start } = await agentPlace();
  const first = await start();
  const { costUsd } = await first.turn(say('!say one'));
  await first[Symbol.asyncDispose]();

  const second = await start();
  expect((await second.turn(say('!say two'))).costUsd).toBeCloseTo(costUsd, 9);
  const pending = say('!hang');
  const turn = second.turn(pending);
  turn.catch(() => {});
  // At once: the CLI's own habit is to write the transcript a tenth of a second later.
  await waitFor('the request', () => model.requests.some(({ userText }) => userText === '!hang'), { intervalMs: 1 });
  process.kill(second.pid, 'SIGKILL');
  await expect(turn).rejects.toMatchObject({ code: 'CLI_FAILED' });
  expect(await transcriptState(options.configDir, options.sessionId, pending.uuid)).toBe('started');
});

test('disposing ends the process, also in the middle of a turn', async () => {
  const { model, start } = await agentPlace();
  const cli = await start();
  const turn = cli.turn(say('!hang'));
  turn.catch(() => {});
  await model.waitForRequest('the request', (request) => request.userText === '!hang');
  await cli[Symbol.asyncDispose]();
  await expect(turn).rejects.toMatchObject({ code: 'CLI_FAILED' });
  expect(await cli.exited).toEqual(expect.objectContaining({ stderr: expect.any(String) }));
});

test('a transcript without a conversation is put aside; one that the CLI refuses is told apart', async () => {
  const { options, start } = await agentPlace();
  const first = await start();
  await first.turn(say('!say one'));
  await first[Symbol.asyncDispose]();
  const [transcript = ''] = await globTranscripts(options.configDir);

  await writeFile(transcript, '{"type":"queue-operation"}\n{"type":"us');
  const second = await start();
  expect((await second.turn(say('!say two'))).text).toBe('two');
  await second[Symbol.asyncDispose]();

  await writeFile(transcript, '{"type":"user"}\n');
  await expect(start()).rejects.toMatchObject({ code: 'CLI_FAILED', details: { reason: 'session_unknown' } });
});

async function globTranscripts(configDir: string): Promise<string[]> {
  const paths = await readdir(join(configDir, 'projects'), { recursive: true });
  return paths.filter((path) => path.endsWith('.jsonl')).map((path) => join(configDir, 'projects', path));
}
