import { waitFor } from '@agentcrew/testkit';

/** An answer of the server; `body` is its JSON, or `undefined` when it is empty. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers the way a client without types does
  body: any;
  text: string;
}

export interface Send {
  /** Sent as JSON; absent: no body, but the JSON content type nevertheless, as the frontend does. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

export type Client = ReturnType<typeof createClient>;

/** What a client without any knowledge of the server can do over HTTP; with a token, as its holder. */
export function createClient(url: string, token?: string) {
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };

  async function send(method: string, path: string, { body, raw, headers }: Send = {}): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...authorization, ...headers },
      body: raw ?? (body === undefined ? null : JSON.stringify(body)),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : undefined, text };
  }

  const client = {
    send,
    get: (path: string) => send('GET', path),
    post: (path: string, body?: unknown) => send('POST', path, { body }),
    patch: (path: string, body?: unknown) => send('PATCH', path, { body }),
    put: (path: string, body?: unknown) => send('PUT', path, { body }),
    delete: (path: string) => send('DELETE', path),

    /** Creates a team (a leader and a worker, unless told otherwise) and gives its JSON. */
    async createTeam(team: Record<string, unknown> = {}) {
      const { status, body, text } = await client.post('/api/teams', { ...newTeam(), ...team });
      if (status !== 201) throw new Error(`team not created: ${status} ${text}`);
      return body;
    },

    /** Waits until the team has the status and gives its JSON. */
    until(id: string, status: string) {
      return waitFor(`team to be ${status}`, async () => {
        const { body } = await client.get(`/api/teams/${id}`);
        return body.status === status && body;
      });
    },

    async createRunningTeam(team: Record<string, unknown> = {}) {
      const { id } = await client.createTeam(team);
      const { status, text } = await client.post(`/api/teams/${id}/deploy`);
      if (status !== 200) throw new Error(`team not deployed: ${status} ${text}`);
      return client.until(id, 'running');
    },
  };
  return client;
}

let created = 0;

/** A team with a name of its own. */
export function newTeam() {
  created += 1;
  return {
    name: `team-${created}`,
    agents: [
      { name: 'Lead', role: 'leader' },
      { name: 'Worker', role: 'worker' },
    ],
  };
}
