import { waitFor } from '@agentcrew/testkit';

export interface Team {
  id: string;
  slug: string;
  status: string;
  status_message: string;
  usage: { turns: number; cost_usd: number; output_tokens: number };
  agents: { id: string; name: string; slug: string; container_id: string; container_status: string }[];
}

export interface Message {
  seq: number;
  message_id: string;
  ref_message_id: string | null;
  message_type: string;
  from_agent: string;
  payload: { content?: string; result?: string; error?: string; status?: string; code?: string; session_id?: string };
}

export interface Approval {
  id: string;
  agent: string;
  type: string;
  tool: string;
  input: { command?: string };
  status: string;
  message: string;
  delivered_at: string | null;
}

/** A client of the REST API. Every call throws on an answer that is not a success. */
export class Client {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** With a token, as its holder. */
  constructor(url: string, token?: string) {
    this.#url = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json', ...this.#headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  createTeam(name: string, extra: object = {}, leader: object = {}): Promise<Team> {
    const agents = [
      { name: 'lead', role: 'leader', ...leader },
      { name: 'worker', role: 'worker' },
    ];
    return this.call('POST', '/api/teams', { name, agents, ...extra });
  }

  team(id: string): Promise<Team> {
    return this.call('GET', `/api/teams/${id}`);
  }

  /** Deploys and waits until the team runs. */
  async deploy(id: string): Promise<Team> {
    await this.call('POST', `/api/teams/${id}/deploy`);
    return this.untilStatus(id, 'running');
  }

  untilStatus(id: string, status: string, timeoutMs = 90_000): Promise<Team> {
    let last: Team | undefined;
    return waitFor(
      `the team to be ${status}`,
      async () => {
        last = await this.team(id).catch(() => last);
        if (status !== 'error' && last?.status === 'error') throw new Error(`deploy failed: ${last.status_message}`);
        return last?.status === status && last;
      },
      { timeoutMs, intervalMs: 100 },
    );
  }

  /** Waits until the team runs with all its agents and nothing is the matter. */
  untilWhole(id: string): Promise<Team> {
    return waitFor(
      'the team to be whole',
      async () => {
        const team = await this.team(id);
        const allRun = team.agents.every(({ container_status }) => container_status === 'running');
        return team.status === 'running' && team.status_message === '' && allRun && team;
      },
      { timeoutMs: 90_000, intervalMs: 100 },
    );
  }

  chat(id: string, message: string): Promise<{ message_id: string; seq: number }> {
    return this.call('POST', `/api/teams/${id}/chat`, { message });
  }

  approvals(id: string, query = ''): Promise<Approval[]> {
    return this.call('GET', `/api/teams/${id}/approvals?${query}`);
  }

  /** The one approval that is pending, as soon as there is one that is not among the known ones. */
  asked(id: string, known: Approval[] = []): Promise<Approval> {
    const isNew = (approval: Approval) => known.every((other) => other.id !== approval.id);
    return waitFor('a question', async () => (await this.approvals(id, 'status=pending')).find(isNew), {
      timeoutMs: 60_000,
      intervalMs: 50,
    });
  }

  decide(id: string, { id: approvalId }: Approval, body: object): Promise<Approval> {
    return this.call('POST', `/api/teams/${id}/approvals/${approvalId}`, body);
  }

  /** The approval, once it has this status. */
  untilDecided(id: string, { id: approvalId }: Approval, status: string): Promise<Approval> {
    return waitFor(`the approval to be ${status}`, async () => {
      const approval = await this.call<Approval>('GET', `/api/teams/${id}/approvals/${approvalId}`);
      return approval.status === status && approval;
    });
  }

  messages(id: string, query = 'limit=500'): Promise<Message[]> {
    return this.call('GET', `/api/teams/${id}/messages?${query}`);
  }

  /** The stored answer to a message. */
  reply(id: string, messageId: string, timeoutMs = 90_000): Promise<Message> {
    return waitFor(
      `a reply to ${messageId}`,
      async () => (await this.messages(id)).find(({ ref_message_id }) => ref_message_id === messageId),
      { timeoutMs, intervalMs: 100 },
    );
  }
}
