import { waitFor } from '@agentcrew/testkit';

/** A WebSocket client as the frontend is one: reconnects for ever, and goes on after the last row it saw. */
export interface Watcher extends Disposable {
  /** Every `seq` it was sent, in the order of arrival. */
  readonly seqs: number[];
  /** Resolves when the row has arrived. */
  seen(seq: number): Promise<unknown>;
}

export function watch(httpUrl: string, teamId: string): Watcher {
  const seqs: number[] = [];
  let socket: WebSocket | undefined;
  let closed = false;

  function connect(): void {
    if (closed) return;
    const since = seqs.at(-1) ?? 0;
    socket = new WebSocket(`${httpUrl.replace('http', 'ws')}/ws/teams/${teamId}/activity?since=${since}`);
    socket.addEventListener('message', ({ data }) => seqs.push(JSON.parse(String(data)).seq));
    socket.addEventListener('close', () => setTimeout(connect, 200));
  }
  connect();

  return {
    seqs,
    seen: (seq) => waitFor(`row ${seq} on the WebSocket`, () => seqs.includes(seq)),
    [Symbol.dispose]() {
      closed = true;
      socket?.close();
    },
  };
}
