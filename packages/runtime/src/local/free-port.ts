import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections: one of those could sit on our port while the server is
 * down, even a client's that tries to reach it (a connection to itself).
 */
const firstPort = 20_000;
const lastPort = 29_999;
const attempts = 50;

/** Whether nobody listens on this port of loopback. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A port of loopback that nobody listens on just now. @throws Error when none is found */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(firstPort, lastPort + 1);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort} on 127.0.0.1`);
}
