import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { startNatsServer, startScriptedModel, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Crew } from './crew.ts';

test('secrets in the environment, as in a pod: the sidecar works with them, and nobody else sees them', async () => {
  const [natsToken, apiKey] = [`nats-canary-${randomUUID()}`, `sk-canary-${randomUUID()}`];
  await using nats = await startNatsServer({ configText: `authorization { token: "${natsToken}" }` });
  await using model = await startScriptedModel({ apiKey });
  await using crew = await Crew.start({ natsUrl: nats.url, modelUrl: model.url, natsToken, apiKey, asInPod: true });

  const id = await crew.send('!tool Bash {"command":"env"}\n!say done');
  expect(await crew.replyTo(id)).toMatchObject({ status: 'completed', result: 'done' });
  expect(JSON.stringify(crew.activity('tool_result'))).toContain('AGENTCREW_AGENT=');

  const processes = (await crew.processes()).filter(({ pid }) => pid !== crew.sidecarPid);
  expect(processes.length).toBeGreaterThan(0);
  const seen = JSON.stringify({ processes, said: crew.said, output: crew.output });
  for (const secret of [natsToken, apiKey]) {
    expect(seen).not.toContain(secret);
    const grep = promisify(execFile)('grep', ['-rl', secret, crew.spec.state_dir, crew.spec.workspace]);
    await expect(grep).rejects.toMatchObject({ code: 1 });
  }

  // The container starts again by itself, and nobody hands it anything: the spec has to be where it was.
  await crew.endSidecar('SIGKILL');
  await waitFor('its CLI to end', async () => (await crew.processes()).length === 0, { timeoutMs: 60_000 });
  crew.startSidecar();
  await crew.ready();
  expect(await crew.replyTo(await crew.send('!say again'))).toMatchObject({ status: 'completed', result: 'again' });
});
