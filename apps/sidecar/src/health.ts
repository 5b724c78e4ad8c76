import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AgentSpec } from '@agentcrew/protocol';
import { writeFileAtomically } from './atomic-file.ts';

/** What must be true before the agent can take a message. */
interface Checks {
  /** Connected. */
  nats: boolean;
  /** The agent's consumer exists, so its messages are handed out. */
  consumer: boolean;
  /** Claude Code runs, or can be started by the next message. */
  cli: boolean;
}

export interface Health {
  checks: Checks;
  /** For checks that fail: why, in words for a person, when that is known. */
  reasons: { [check in keyof Checks]?: string };
}

export interface HealthOptions {
  examine: () => Promise<Health>;
  /** Somebody has been told, for the first time, that the agent is ready. */
  onFirstReady: () => void;
}

/**
 * Serves `GET /healthz` (the process is alive) and `GET /readyz` (503 until every check is true), and writes the port
 * to `<state_dir>/health.json`. Rejects when the address cannot be listened on.
 */
export async function serveHealth(
  spec: Pick<AgentSpec, 'health_addr' | 'state_dir'>,
  { examine, onFirstReady }: HealthOptions,
): Promise<AsyncDisposable> {
  let told = false;
  const server = createServer(async (request, response) => {
    const path = request.url?.replace(/\?.*$/, '');
    if (request.method !== 'GET' || (path !== '/healthz' && path !== '/readyz')) return send(response, 404, {});
    const { checks, reasons } = await examine();
    const ready = checks.nats && checks.consumer && checks.cli;
    const status = path === '/healthz' ? 200 : ready ? 200 : 503;
    send(response, status, { status: ready ? 'ready' : 'not ready', checks, reasons });
    if (!ready || told || path !== '/readyz') return;
    told = true;
    onFirstReady();
  });
  const { host, port } = parseAddress(spec.health_addr);
  server.listen(port, host);
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  writeFileAtomically(join(spec.state_dir, 'health.json'), JSON.stringify({ port: actual, pid: process.pid }));
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** `host:port`, the host of an IPv6 address in brackets or not. */
function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(address.slice(colon + 1)) };
}
