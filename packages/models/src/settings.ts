import { and, eq } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import type { SettingRow } from './rows.ts';
import { settings } from './schema.ts';
import type { SecretBox } from './secret-box.ts';

export type SettingQueries = ReturnType<typeof settingQueries>;

/** A setting as agents get it; one that was sealed with another key has no value. */
export type SettingEntry =
  | { key: string; is_secret: boolean; undecryptable: false; value: string }
  | { key: string; is_secret: boolean; undecryptable: true; value?: undefined };

/** Queries on settings. Values are sealed in the file, plain in what comes back. */
export function settingQueries({ db }: Connection, box: SecretBox) {
  const rows = (orgId: string) =>
    db.select().from(settings).where(eq(settings.org_id, orgId)).orderBy(settings.key).all();

  return {
    /** The organisation's settings by key. */
    list(orgId: string): SettingRow[] {
      return rows(orgId).map((row) => ({ ...row, value: box.open(row.value) ?? '' }));
    },

    /** The same without throwing away what cannot be decrypted: it is told apart from an empty value. */
    entries(orgId: string): SettingEntry[] {
      return rows(orgId).map(({ key, is_secret, value }) => {
        const plain = box.open(value);
        if (plain === undefined) return { key, is_secret, undecryptable: true };
        return { key, is_secret, undecryptable: false, value: plain };
      });
    },

    /** Creates the setting or overwrites both its value and `is_secret`. */
    upsert(orgId: string, setting: { key: string; value: string; is_secret: boolean }): SettingRow {
      const changes = { value: box.seal(setting.value), is_secret: setting.is_secret, updated_at: new Date() };
      const row = db
        .insert(settings)
        .values({ org_id: orgId, key: setting.key, ...changes })
        .onConflictDoUpdate({ target: [settings.org_id, settings.key], set: changes })
        .returning()
        .get();
      return { ...row, value: setting.value };
    },

    /** `false` when there is no such setting. */
    delete(orgId: string, key: string): boolean {
      const where = and(eq(settings.org_id, orgId), eq(settings.key, key));
      return db.delete(settings).where(where).run().changes > 0;
    },
  };
}
