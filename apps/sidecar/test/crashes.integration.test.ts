import { startNatsServer, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Crew } from './crew.ts';
import { useServices } from './services.ts';

const services = useServices();

const startCrew = () => Crew.start({ ...services.urls });

/** Sends a message and waits until the model has it; its answer waits until the hold is released. */
async function heldTurn(crew: Crew, text: string) {
  const hold = services.model.hold();
  const id = await crew.send(text);
  await services.model.waitForRequest('the turn', ({ userText }) => userText === text);
  return { id, hold };
}

function requestsFor(text: string) {
  return services.model.requests.filter(({ userText }) => userText === text);
}

/** A later message is answered, and until then none came twice. */
async function expectOneReply(crew: Crew, id: string, payload: object): Promise<void> {
  expect(await crew.replyTo(id)).toMatchObject(payload);
  expect(await crew.replyTo(await crew.send('!say the end'))).toMatchObject({ result: 'the end' });
  expect(crew.repliesTo(id)).toHaveLength(1);
}

test('a sidecar killed in the turn: the next one resumes it in the same session', async () => {
  await using crew = await startCrew();
  const session = await crew.sessionId();
  const { id, hold } = await heldTurn(crew, '!say one of a kind');
  await crew.endSidecar('SIGKILL');
  crew.startSidecar();
  // Held until then: the CLI lives a little longer than its sidecar, and could still record an answer.
  await waitFor('the turn again', () => requestsFor('!say one of a kind').length === 2, { timeoutMs: 60_000 });
  hold.release();
  await expectOneReply(crew, id, { status: 'completed', result: 'one of a kind', session_id: session });
  const body = JSON.stringify(requestsFor('!say one of a kind').at(-1)?.body);
  expect(body).toContain('interrupted by a restart');
});

test('a sidecar told to end in the turn leaves it to the next one', async () => {
  await using crew = await startCrew();
  const { id, hold } = await heldTurn(crew, '!say after the stop');
  const started = performance.now();
  expect(await crew.endSidecar('SIGTERM')).toBe(0);
  expect(performance.now() - started).toBeLessThan(8_000);
  expect(await crew.processes()).toEqual([]);
  expect(crew.repliesTo(id)).toEqual([]);
  hold.release();
  crew.startSidecar();
  await expectOneReply(crew, id, { status: 'completed', result: 'after the stop' });
});

test('a CLI killed in the turn, with a command that outlives it: one reply, and the command is ended', async () => {
  await using crew = await startCrew();
  const id = await crew.send(
    '!tool Bash {"command":"[ -e again ] && exit; touch again; tail -f /dev/null"}\n!say survived',
  );
  const command = (all: { command: string }[]) => all.find((one) => one.command.startsWith('tail -f /dev/null'));
  await waitFor('the command', async () => command(await crew.processes()), { timeoutMs: 60_000 });
  process.kill(await crew.cliPid(), 'SIGKILL');
  await expectOneReply(crew, id, { status: 'completed', result: 'survived' });
  expect(command(await crew.processes())).toBeUndefined();
});

test('a CLI killed while idle is started again', async () => {
  await using crew = await startCrew();
  const pid = await crew.cliPid();
  process.kill(pid, 'SIGKILL');
  await waitFor('not ready', async () => (await crew.readiness()).status === 503);
  await crew.ready();
  expect(await crew.cliPid()).not.toBe(pid);
});

test('a nats-server killed in the turn: the reply waits for it', async () => {
  await using server = await startNatsServer();
  await using crew = await Crew.start({ natsUrl: server.url, modelUrl: services.model.url });
  const { id, hold } = await heldTurn(crew, '!say in spite of it');
  await server.kill();
  hold.release();
  await waitFor('the end of the turn', () => crew.output.includes('"turn ended"'), { timeoutMs: 60_000 });
  expect((await crew.readiness()).checks).toMatchObject({ nats: false });
  await server.restart();
  await expectOneReply(crew, id, { status: 'completed', result: 'in spite of it' });
  expect(requestsFor('!say in spite of it')).toHaveLength(1);
});

test('a message that was answered is not run again, whoever hands it out once more', async () => {
  await using crew = await startCrew();
  const id = await crew.send('!say only once');
  const payload = await crew.replyTo(id);
  await crew.endSidecar('SIGKILL');
  await crew.bus.deleteStream();
  await crew.bus.ensureStream({ maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 });
  await crew.send('!say only once', id);
  crew.startSidecar();
  await waitFor('the reply again', () => crew.repliesTo(id).length === 2, { timeoutMs: 60_000 });
  expect(crew.repliesTo(id)[1]?.payload).toEqual(payload);
  expect(requestsFor('!say only once')).toHaveLength(1);
});
