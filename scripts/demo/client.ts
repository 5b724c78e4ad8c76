/** A message row as the server shows it. */
export interface Message {
  seq: number;
  message_id: string;
  from_agent: string;
  message_type: string;
  payload: Record<string, unknown>;
  ref_message_id: string | null;
}

export interface Team {
  id: string;
  status: string;
  status_message: string;
  agents: { name: string; slug: string; role: string }[];
  usage: Record<'input_tokens' | 'output_tokens' | 'cost_usd', number>;
}

/** Calls of the demo's server. Each rejects with the server's own error text. */
export class Client {
  readonly #url: string;
  readonly #signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: this.#signal,
    }).catch((cause: unknown) => {
      this.#signal.throwIfAborted();
      throw new Error(`the server does not answer ${method} ${path}`, { cause });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${errorText(text)}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Opens the live feed of a team, and gives every row from then on to `onMessage`. Resolves once it is open. */
  async follow(teamId: string, onMessage: (message: Message) => void): Promise<WebSocket> {
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/ws/teams/${teamId}/activity`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the activity WebSocket could not be opened')));
    socket.addEventListener('message', ({ data }) => onMessage(JSON.parse(String(data)) as Message));
    this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { once: true });
    await promise;
    return socket;
  }
}

function errorText(body: string): string {
  try {
    return String(JSON.parse(body).error);
  } catch {
    return body.slice(0, 300);
  }
}
