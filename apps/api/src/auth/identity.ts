import { defaultOrgId, defaultUserId, type Role } from '@agentcrew/models';

/** What somebody was recognised by. */
export type Credential =
  | { type: 'session'; user_id: string; session_id: string; epoch: number }
  | { type: 'key'; key_id: string };

/** Who asks, and for which organisation. Rows of another one do not exist for them. */
export interface Identity {
  user_id: string;
  org_id: string;
  role: Role;
  is_owner: boolean;
  /** Somebody else has chosen the password: until it is changed, nothing else may be done. */
  must_change_password?: boolean;
  /** Absent on a server without sign-in. */
  credential?: Credential;
}

/** The one user of a server without sign-in. */
export const everybody: Identity = { user_id: defaultUserId, org_id: defaultOrgId, role: 'admin', is_owner: true };
