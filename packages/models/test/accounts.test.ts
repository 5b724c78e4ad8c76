import { expect, test } from 'vitest';
import { type Database, defaultOrgId, defaultUserId } from '../src/index.ts';
import { memoryDatabase } from './fixtures.ts';

const inAnHour = () => new Date(Date.now() + 3_600_000);
const past = new Date(Date.now() - 1000);

function storedUser(db: Database, email = 'ada@example.org') {
  const { id } = db.organizations.insert({ name: email, slug: email });
  return db.users.insert({ org_id: id, email, name: 'Ada', password_hash: 'scrypt$…' });
}

test('the default organisation and its user are made once', () => {
  using db = memoryDatabase();
  for (const _ of [1, 2]) {
    db.organizations.ensureDefault();
    db.users.ensureDefault();
  }
  expect(db.organizations.all()).toMatchObject([{ id: defaultOrgId, slug: 'default' }]);
  expect(db.users.list(defaultOrgId)).toMatchObject([{ id: defaultUserId, role: 'admin', password_hash: null }]);
  expect(db.organizations.anyClaimed()).toBe(false);
  storedUser(db);
  expect(db.organizations.anyClaimed()).toBe(true);
});

test('slugs and addresses are unique over all organisations', () => {
  using db = memoryDatabase();
  const { org_id } = storedUser(db);
  expect(() => db.organizations.insert({ name: 'x', slug: 'ada@example.org' })).toThrow(
    expect.objectContaining({ code: 'ORG_NAME_TAKEN' }),
  );
  expect(() => db.users.insert({ org_id, email: 'ada@example.org', name: 'x' })).toThrow(
    expect.objectContaining({ code: 'EMAIL_TAKEN' }),
  );
});

test('a user is a member of one organisation', () => {
  using db = memoryDatabase();
  const [ada, ben] = [storedUser(db), storedUser(db, 'ben@example.org')];
  expect(db.users.member(ada.org_id, ada.id)).toEqual(ada);
  expect(db.users.member(ben.org_id, ada.id)).toBeUndefined();
});

test('a session lives until it is revoked or its newest token expires', () => {
  using db = memoryDatabase();
  const { id: user_id } = storedUser(db);
  const alive = (family: string) => db.refreshTokens.isAlive(family, user_id, new Date());
  const insert = (family_id: string, token_hash: string, expires_at: Date) =>
    db.refreshTokens.insert({ family_id, user_id, token_hash, expires_at });
  insert('old', 'a', past);
  expect(alive('old')).toBe(false);
  insert('old', 'b', inAnHour());
  insert('new', 'c', inAnHour());
  insert('newest', 'd', inAnHour());
  expect([alive('old'), alive('new'), alive('unknown')]).toEqual([true, true, false]);
  expect([db.refreshTokens.revokeFamily('new'), db.refreshTokens.revokeFamily('new')]).toEqual([true, false]);
  db.refreshTokens.revokeOfUser(user_id, 'old');
  expect([alive('old'), alive('new'), alive('newest')]).toEqual([true, false, false]);
  db.refreshTokens.deleteExpired(new Date());
  expect(db.refreshTokens.byHash('a')).toBeUndefined();
  const id = db.refreshTokens.byHash('b')?.id ?? '';
  expect([1, 2].map(() => db.refreshTokens.markUsed(id, new Date()))).toEqual([true, false]);
  db.users.delete(user_id);
  expect(alive('old')).toBe(false);
});

test('keys end with their maker', () => {
  using db = memoryDatabase();
  const { id: user_id, org_id } = storedUser(db);
  const values = { org_id, user_id, name: 'k', role: 'member' as const, prefix: 'ack_', expires_at: null };
  const [one, two] = ['1', '2'].map((key_hash) => db.apiKeys.insert({ ...values, key_hash }));
  expect(db.apiKeys.list(org_id)).toEqual([one, two]);
  db.apiKeys.revoke(one?.id ?? '');
  expect(db.apiKeys.list(org_id, user_id)).toEqual([two]);
  expect(db.apiKeys.byHash('1')?.revoked_at).toBeInstanceOf(Date);
  db.users.delete(user_id);
  expect(db.apiKeys.byHash('2')).toBeUndefined();
});

test('an invite is open until it is used or expires; its token is plain in rows alone', () => {
  using db = memoryDatabase();
  const { org_id } = storedUser(db);
  const insert = (token_hash: string, email: string | null, expires_at: Date) =>
    db.invites.insert({ org_id, email, token: `token ${token_hash}`, token_hash, expires_at });
  const { id } = insert('1', 'a@b', inAnHour());
  insert('2', null, past);
  const now = new Date();
  expect(db.invites.openByHash('1', now)).toMatchObject({ id, token: 'token 1' });
  expect(db.invites.openByHash('2', now)).toBeUndefined();
  expect([db.invites.hasOpen(org_id, 'a@b', now), db.invites.hasOpen('x', 'a@b', now)]).toEqual([true, false]);
  expect(db.invites.list(org_id).map(({ token }) => token)).toEqual(['token 2', 'token 1']);
  db.invites.markUsed(id, now);
  expect(db.invites.openByHash('1', now)).toBeUndefined();
  expect([db.invites.delete('x', id), db.invites.delete(org_id, id)]).toEqual([false, true]);
});
