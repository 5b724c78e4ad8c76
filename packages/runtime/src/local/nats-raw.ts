import { connect } from 'node:net';
import { z } from 'zod';

/** The few words of the NATS client protocol that supervising a server takes. */
interface RawNats extends Disposable {
  /** Publishes with a reply subject and resolves with the answer's payload. */
  request(subject: string, payload: string): Promise<string>;
}

export interface NatsLogin {
  port: number;
  user: string;
  password: string;
}

const client = { lang: 'agentcrew', version: '1', protocol: 0, pedantic: false };

/** Signs in on loopback; resolves once the server has taken the user and the password. */
async function openRaw({ port, user, password }: NatsLogin, signal: AbortSignal): Promise<RawNats> {
  const socket = connect({ host: '127.0.0.1', port });
  const abort = () => socket.destroy(new Error('nats-server does not answer in time'));
  signal.addEventListener('abort', abort, { once: true });
  const waiting: { pattern: RegExp; resolve: (match: string) => void; reject: (error: Error) => void }[] = [];
  let received = '';
  let failure: Error | undefined;

  function fail(error: Error): void {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  }

  function settle(): void {
    if (/^-ERR/m.test(received)) fail(new Error('nats-server refuses the user'));
    // The only message with headers here is the server's own `503`: nobody serves the subject.
    if (/^HMSG/m.test(received)) fail(new Error('JetStream is not enabled for the user'));
    const match = waiting[0]?.pattern.exec(received);
    if (!match) return;
    received = received.slice(match.index + match[0].length);
    waiting.shift()?.resolve(match[1] ?? '');
  }

  function expect(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      if (failure) return reject(failure);
      waiting.push({ pattern, resolve, reject });
      settle();
    });
  }

  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    received += text;
    settle();
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('nats-server closed the connection')));
  const close = () => {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  };
  try {
    signal.throwIfAborted();
    await expect(/^INFO .*\r\n/);
    const login = { user, pass: password, verbose: false, headers: true, no_responders: true, ...client };
    socket.write(`CONNECT ${JSON.stringify(login)}\r\nPING\r\n`);
    await expect(/^PONG\r\n/m);
  } catch (error) {
    close();
    throw error;
  }
  return {
    async request(subject, payload) {
      socket.write(`SUB answer 1 \r\nPUB ${subject} answer ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
      const answer = await expect(/^MSG answer 1 \d+\r\n(.*)\r\n/m);
      socket.write('UNSUB 1\r\n');
      return answer;
    },
    [Symbol.dispose]: close,
  };
}

const infoSchema = z.object({ streams: z.number() });

/**
 * Whether a server listens on the port, takes this user and serves JetStream to it. During a reload the second is true
 * a moment before the third.
 */
export async function servesUser(login: NatsLogin, timeoutMs: number): Promise<boolean> {
  try {
    using nats = await openRaw(login, AbortSignal.timeout(timeoutMs));
    return infoSchema.safeParse(JSON.parse(await nats.request('$JS.API.INFO', ''))).success;
  } catch {
    return false;
  }
}

const namesSchema = z.object({ streams: z.array(z.string()).nullish() });
const deletedSchema = z.object({ success: z.literal(true) });

/** Deletes every JetStream stream of the user's account. @throws Error when the server does not confirm one */
export async function deleteAllStreams(login: NatsLogin, timeoutMs: number): Promise<void> {
  using nats = await openRaw(login, AbortSignal.timeout(timeoutMs));
  const { streams } = namesSchema.parse(JSON.parse(await nats.request('$JS.API.STREAM.NAMES', '')));
  for (const stream of streams ?? []) {
    deletedSchema.parse(JSON.parse(await nats.request(`$JS.API.STREAM.DELETE.${stream}`, '')));
  }
}
