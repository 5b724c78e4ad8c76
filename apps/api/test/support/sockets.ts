import { once } from 'node:events';
import { waitFor } from '@agentcrew/testkit';
import { WebSocket } from 'ws';

export interface TestSocket {
  /** Every frame so far, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at frames the way a client without types does
  readonly frames: any[];
  readonly raw: WebSocket;
  /** How the server closed the connection. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Waits until there are this many frames and gives them. */
  until(count: number): Promise<TestSocket['frames']>;
  close(): void;
}

/** A WebSocket client that is connected. */
export async function openSocket(port: number, path: string): Promise<TestSocket> {
  const raw = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const frames: TestSocket['frames'] = [];
  raw.on('message', (data) => frames.push(JSON.parse(data.toString())));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    raw.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(raw, 'open');
  // An error is always followed by the close, which is what tests look at.
  raw.on('error', () => undefined);
  return {
    frames,
    raw,
    closed,
    until: (count) => waitFor(`${count} frames`, () => frames.length >= count && frames),
    close: () => raw.close(),
  };
}

/** The status with which the server refuses the upgrade, and its body. */
export async function refusal(port: number, path: string, headers: Record<string, string> = {}) {
  const raw = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  raw.on('error', () => undefined);
  const [, response] = await once(raw, 'unexpected-response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode as number, body: JSON.parse(text) };
}
