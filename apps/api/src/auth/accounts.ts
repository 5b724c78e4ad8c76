import { type Database, defaultOrgId, defaultUserId, type OrganizationRow, type UserRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { Passwords } from './passwords.ts';
import { hashOf } from './secrets.ts';

export interface Registration {
  org_name: string;
  name: string;
  email: string;
  password: string;
}

export interface InvitedRegistration {
  token: string;
  name: string;
  email: string;
  password: string;
}

export interface Account {
  user: UserRow;
  organization: OrganizationRow;
}

/** How people come in: by a new organisation, an invite, or their password. */
export interface Accounts {
  registrationOpen(): boolean;
  /**
   * A new organisation with its owner. The first of all is the default organisation, with everything that was made on
   * this server before anybody signed in.
   * @throws CrewError REGISTRATION_DISABLED, EMAIL_TAKEN, ORG_NAME_TAKEN
   */
  register(input: Registration): Promise<Account>;
  /** A new member of the organisation that invited. @throws CrewError INVITE_INVALID, EMAIL_TAKEN */
  registerInvited(input: InvitedRegistration): Promise<Account>;
  /** @throws CrewError INVALID_CREDENTIALS, after as much work for an unknown user as for a known one. */
  checkPassword(email: string, password: string): Promise<UserRow>;
}

export function createAccounts(db: Database, passwords: Passwords, multiTenant: boolean): Accounts {
  const registrationOpen = () => multiTenant || !db.organizations.anyClaimed();
  const requireOpen = () => {
    if (!registrationOpen()) throw new CrewError('REGISTRATION_DISABLED', 'registration disabled: ask for an invite');
  };

  return {
    registrationOpen,

    async register({ org_name, name, email, password }) {
      requireOpen();
      const password_hash = await passwords.hash(password);
      return db.transaction(() => {
        requireOpen();
        const owner = { name, email, password_hash, role: 'admin', is_owner: true } as const;
        if (!db.organizations.anyClaimed()) return takeOver(db, org_name, owner);
        const organization = db.organizations.insert({ name: org_name, slug: slugOf(org_name) });
        return { organization, user: db.users.insert({ ...owner, org_id: organization.id }) };
      });
    },

    async registerInvited({ token, name, email, password }) {
      const password_hash = await passwords.hash(password);
      return db.transaction(() => {
        const now = new Date();
        const invite = db.invites.openByHash(hashOf(token), now);
        const organization = invite && db.organizations.get(invite.org_id);
        if (!organization) throw new CrewError('INVITE_INVALID', 'the invite is invalid, expired or already used');
        if (invite.email !== null && invite.email !== email)
          throw new CrewError('INVITE_INVALID', 'the invite is for another email address');
        const user = db.users.insert({ org_id: organization.id, name, email, password_hash });
        db.invites.markUsed(invite.id, now);
        return { organization, user };
      });
    },

    async checkPassword(email, password) {
      const stored = db.users.byEmail(email)?.password_hash;
      const matches = await passwords.verify(stored, password);
      const user = db.users.byEmail(email);
      // Asked again: the password may have been changed meanwhile.
      if (matches && user && user.password_hash === stored) return user;
      throw new CrewError('INVALID_CREDENTIALS', 'invalid email or password');
    },
  };
}

/** Whoever had been the one user without sign-in becomes the owner: their name stands under what they made. */
function takeOver(
  db: Database,
  orgName: string,
  owner: Pick<UserRow, 'name' | 'email' | 'password_hash' | 'role' | 'is_owner'>,
): Account {
  db.organizations.ensureDefault();
  const organization = db.organizations.update(defaultOrgId, { name: orgName, slug: slugOf(orgName) });
  if (!organization) throw new Error('the default organisation is missing');
  const user = db.users.update(defaultUserId, owner) ?? db.users.insert({ ...owner, org_id: defaultOrgId });
  return { organization, user };
}

/** Names an organisation in addresses: small letters, digits and hyphens. */
function slugOf(name: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return slug || 'org';
}
