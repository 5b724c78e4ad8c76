import { once } from 'node:events';

export interface Frame {
  /** When it arrived, on the clock of `performance.now()`. */
  at: number;
  payload: { status: string; error?: string };
}

interface Row {
  message_type: string;
  ref_message_id: string;
  payload: Frame['payload'];
}

/** A WebSocket client of a team that waits for the leader's replies. */
export interface Answers extends Disposable {
  /** The frame with the reply to a message, arrived or still to come. */
  to(messageId: string): Promise<Frame>;
}

export async function answers(httpUrl: string, team: string, signal: AbortSignal): Promise<Answers> {
  const frames = new Map<string, PromiseWithResolvers<Frame>>();
  const frameFor = (messageId: string) => {
    const frame = frames.get(messageId) ?? Promise.withResolvers<Frame>();
    frames.set(messageId, frame);
    return frame;
  };
  const socket = new WebSocket(`${httpUrl.replace('http', 'ws')}/ws/teams/${team}/activity`);
  socket.addEventListener('message', ({ data }) => {
    const at = performance.now();
    const { message_type, ref_message_id, payload } = JSON.parse(String(data)) as Row;
    if (message_type === 'leader_response') frameFor(ref_message_id).resolve({ at, payload });
  });
  await once(socket, 'open', { signal });
  const failAll = (reason: unknown) => {
    for (const frame of frames.values()) frame.reject(reason);
  };
  socket.addEventListener('close', () => failAll(new Error('the WebSocket was closed')));
  signal.addEventListener('abort', () => failAll(signal.reason), { once: true });
  return {
    to: (messageId) => frameFor(messageId).promise,
    [Symbol.dispose]: () => socket.close(),
  };
}
