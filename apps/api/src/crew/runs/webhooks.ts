import type { Database, NewWebhook, WebhookRow, WebhookRunRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import { takenPlaces } from './places.ts';
import type { Runs } from './runs.ts';
import { renderPrompt } from './template.ts';
import { newToken, tokenHash } from './webhook-token.ts';

/** How large a prompt may be, in bytes; it has to fit into a message. */
export const maxPromptBytes = 50_000;

export interface WebhooksDeps {
  db: Database;
  runs: Pick<Runs, 'follow'>;
  /** How many runs of all webhooks may be under way. */
  maxConcurrent: number;
}

/** One call of a webhook. */
export interface WebhookCall {
  variables: Record<string, string>;
  /** The same key is the same run. */
  idempotencyKey?: string | undefined;
  callerIp: string;
}

/** A webhook with the token that triggers it, which is shown this once. */
export interface WebhookWithToken {
  webhook: WebhookRow;
  token: string;
}

/** Webhooks: prompts that programs elsewhere send to a team. */
export interface Webhooks {
  /** Throws TEAM_NOT_FOUND. */
  create(values: Omit<NewWebhook, 'token_hash' | 'secret_prefix'>): WebhookWithToken;
  /** A new token; the old one is void at once. */
  regenerate(webhook: WebhookRow): WebhookWithToken;
  byToken(token: string): WebhookRow | undefined;
  /**
   * Begins a run, in the background.
   * @throws CrewError WEBHOOK_DISABLED, TEAM_NOT_RUNNING, TOO_MANY_RUNS, INVALID_REQUEST
   */
  trigger(webhook: WebhookRow, call: WebhookCall): WebhookRunRow;
}

export function createWebhooks({ db, runs, maxConcurrent }: WebhooksDeps): Webhooks {
  function checkLimits({ id, org_id, max_concurrent }: WebhookRow): void {
    if (db.runs.openOfTrigger('webhook', id).length >= max_concurrent) {
      throw new CrewError('TOO_MANY_RUNS', `the webhook runs ${max_concurrent} times at once already`);
    }
    const taken = takenPlaces(db, 'webhook', org_id, maxConcurrent);
    if (taken) throw new CrewError('TOO_MANY_RUNS', `${taken} are under way already`);
  }

  function store(webhook: WebhookRow, { variables, idempotencyKey, callerIp }: WebhookCall): WebhookRunRow {
    if (!webhook.enabled) throw new CrewError('WEBHOOK_DISABLED', 'the webhook is switched off');
    const known = idempotencyKey === undefined ? undefined : db.webhooks.runByKey(webhook.id, idempotencyKey);
    if (known) return known;
    const team = db.teams.get(webhook.team_id);
    if (team?.status !== 'running' || team.stop_requested_at) {
      throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
    }
    checkLimits(webhook);
    return db.webhooks.insertRun({
      webhook_id: webhook.id,
      idempotency_key: idempotencyKey ?? null,
      request_payload: JSON.stringify({ variables }),
      caller_ip: callerIp,
      prompt_sent: renderPrompt(webhook.prompt_template, variables, maxPromptBytes),
    });
  }

  return {
    create(values) {
      const { token, ...stored } = newToken();
      return { webhook: db.webhooks.insert({ ...values, ...stored }), token };
    },

    regenerate({ id }) {
      const { token, ...stored } = newToken();
      const webhook = db.webhooks.update(id, stored);
      if (!webhook) throw new CrewError('WEBHOOK_NOT_FOUND', 'webhook not found');
      return { webhook, token };
    },

    byToken: (token) => db.webhooks.byTokenHash(tokenHash(token)),

    trigger(webhook, call) {
      // As one: of calls at the same time none passes a limit that another one has just reached.
      const run = db.transaction(() => store(webhook, call));
      if (run.status === 'running') runs.follow({ type: 'webhook', id: run.id });
      return run;
    },
  };
}
