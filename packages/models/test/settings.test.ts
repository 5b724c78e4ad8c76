import { expect, test } from 'vitest';
import { memoryDatabase, org } from './fixtures.ts';

test('a setting is created, overwritten as a whole, listed by key and deleted', () => {
  using db = memoryDatabase();
  const first = db.settings.upsert(org, { key: 'B', value: 'secret', is_secret: true });
  expect(first).toMatchObject({ id: 1, org_id: org, key: 'B', value: 'secret', is_secret: true });
  expect(first.updated_at).toBeInstanceOf(Date);
  db.settings.upsert(org, { key: 'A', value: '', is_secret: false });
  expect(db.settings.upsert(org, { key: 'B', value: 'plain', is_secret: false })).toMatchObject({
    id: 1,
    value: 'plain',
    is_secret: false,
  });
  expect(db.settings.list(org).map(({ key, value }) => [key, value])).toEqual([
    ['A', ''],
    ['B', 'plain'],
  ]);
  expect(db.settings.entries(org)).toEqual([
    { key: 'A', value: '', is_secret: false, undecryptable: false },
    { key: 'B', value: 'plain', is_secret: false, undecryptable: false },
  ]);
  expect(db.settings.delete(org, 'B')).toBe(true);
  expect(db.settings.delete(org, 'B')).toBe(false);
});

test('organisations do not see the settings of others', () => {
  using db = memoryDatabase();
  db.settings.upsert(org, { key: 'A', value: 'mine', is_secret: false });
  db.settings.upsert('another org', { key: 'A', value: 'theirs', is_secret: false });
  expect(db.settings.list(org).map((row) => row.value)).toEqual(['mine']);
  expect(db.settings.delete('a third org', 'A')).toBe(false);
});
