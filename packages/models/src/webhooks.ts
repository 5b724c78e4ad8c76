import { and, count, desc, eq, sql } from 'drizzle-orm';
import { webhookRuns, webhooks } from './automation-schema.ts';
import { type Connection, inTransaction } from './connection.ts';
import type { Numbered, NumberedPage } from './pages.ts';
import type { WebhookRow, WebhookRunRow } from './rows.ts';
import type { SecretBox } from './secret-box.ts';

export type WebhookQueries = ReturnType<typeof webhookQueries>;

/** What a new webhook needs and may have. */
export type NewWebhook = Omit<typeof webhooks.$inferInsert, 'created_at' | 'updated_at'>;
/** What of a webhook may change; absent and undefined fields stay. */
export type WebhookPatch = Partial<Omit<NewWebhook, 'id' | 'org_id' | 'team_id'>>;
export type NewWebhookRun = Pick<
  typeof webhookRuns.$inferInsert,
  'webhook_id' | 'idempotency_key' | 'request_payload' | 'caller_ip' | 'prompt_sent'
>;

/**
 * Queries on webhooks and their runs. `signing_secret` is sealed in the file and plain in rows; it is empty when it was
 * sealed with another key: then no signature is right.
 */
export function webhookQueries(connection: Connection, box: SecretBox) {
  const { db } = connection;
  const opened = (row: WebhookRow): WebhookRow =>
    row.signing_secret === null ? row : { ...row, signing_secret: box.open(row.signing_secret) ?? '' };
  const sealed = <T extends WebhookPatch>(values: T): T =>
    values.signing_secret ? { ...values, signing_secret: box.seal(values.signing_secret) } : values;

  return {
    /** The organisation's webhooks, newest first. */
    list(orgId: string): WebhookRow[] {
      const ofOrg = eq(webhooks.org_id, orgId);
      return db.select().from(webhooks).where(ofOrg).orderBy(desc(webhooks.created_at)).all().map(opened);
    },

    get(id: string): WebhookRow | undefined {
      const row = db.select().from(webhooks).where(eq(webhooks.id, id)).get();
      return row && opened(row);
    },

    byTokenHash(hash: string): WebhookRow | undefined {
      const row = db.select().from(webhooks).where(eq(webhooks.token_hash, hash)).get();
      return row && opened(row);
    },

    /** Throws TEAM_NOT_FOUND. */
    insert(values: NewWebhook): WebhookRow {
      return opened(db.insert(webhooks).values(sealed(values)).returning().get());
    },

    /** The changed row; `undefined` when there is no such webhook. */
    update(id: string, patch: WebhookPatch): WebhookRow | undefined {
      const changes = { ...sealed(patch), updated_at: new Date() };
      const row = db.update(webhooks).set(changes).where(eq(webhooks.id, id)).returning().get();
      return row && opened(row);
    },

    /** Deletes the webhook with its runs and the bindings of post-actions to it. */
    delete(id: string): boolean {
      return db.delete(webhooks).where(eq(webhooks.id, id)).run().changes > 0;
    },

    /** A run that begins now; it is noted at its webhook, too. */
    insertRun(values: NewWebhookRun): WebhookRunRow {
      return inTransaction(connection, () => {
        const run = db.insert(webhookRuns).values(values).returning().get();
        const begun = { status: 'running' as const, last_triggered_at: run.started_at };
        db.update(webhooks).set(begun).where(eq(webhooks.id, run.webhook_id)).run();
        return run;
      });
    },

    /** The run that a caller gave this key. */
    runByKey(webhookId: string, key: string): WebhookRunRow | undefined {
      const wanted = and(eq(webhookRuns.webhook_id, webhookId), eq(webhookRuns.idempotency_key, key));
      return db.select().from(webhookRuns).where(wanted).get();
    },

    run(webhookId: string, id: string): WebhookRunRow | undefined {
      const wanted = and(eq(webhookRuns.id, id), eq(webhookRuns.webhook_id, webhookId));
      return db.select().from(webhookRuns).where(wanted).get();
    },

    /** Newest first. */
    runs(webhookId: string, { page, perPage }: NumberedPage): Numbered<WebhookRunRow> {
      const ofWebhook = eq(webhookRuns.webhook_id, webhookId);
      const total = db.select({ count: count() }).from(webhookRuns).where(ofWebhook).get()?.count ?? 0;
      const rows = db
        .select()
        .from(webhookRuns)
        .where(ofWebhook)
        .orderBy(desc(webhookRuns.started_at), sql`rowid desc`)
        .limit(perPage)
        .offset((page - 1) * perPage)
        .all();
      return { rows, total };
    },
  };
}
