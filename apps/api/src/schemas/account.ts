import { type OrganizationRow, roles, type UserRow } from '@agentcrew/models';
import { z } from 'zod';
import { timestampSchema } from './common.ts';

const passwordRule = 'must be at least 8 characters long, with an upper-case letter, a lower-case letter and a digit';

/** A password that somebody chooses. */
export const newPasswordSchema = z
  .string()
  .max(256)
  .refine((text) => text.length >= 8 && /\p{Lu}/u.test(text) && /\p{Ll}/u.test(text) && /\d/.test(text), passwordRule)
  .describe(`It ${passwordRule}`);

/** A password as it is typed: nothing is known of it. */
export const passwordSchema = z.string().min(1, 'is required').max(256);

export const emailSchema = z
  .string()
  .trim()
  .toLowerCase()
  .min(1, 'is required')
  .max(254)
  .regex(/^[^\s@]+@[^\s@]+$/, 'must be an email address');

/** Something that this server has handed out. */
export const tokenSchema = z.string().min(1, 'is required').max(4096);

/** The name of a person, an organisation, a key: what people see. */
export const titleSchema = z.string().trim().min(1, 'is required').max(255);

/** The frontend knows this sentence. */
const orgNameRule = 'is missing: organization name is required';
export const orgNameSchema = z.string({ error: orgNameRule }).trim().min(1, orgNameRule).max(255);

export const roleSchema = z.enum(roles);

const briefUser = {
  id: z.string(),
  org_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  is_owner: z.boolean(),
};

export const briefUserSchema = z.object(briefUser).meta({ id: 'SignedInUser' });

export function briefUserJson({ id, org_id, email, name, role, is_owner }: UserRow): z.infer<typeof briefUserSchema> {
  return { id, org_id, email, name, role, is_owner };
}

export const userSchema = z
  .object({
    ...briefUser,
    created_at: timestampSchema,
    updated_at: timestampSchema,
  })
  .meta({ id: 'User' });

export const meSchema = userSchema.extend({ must_change_password: z.boolean() }).meta({ id: 'Me' });

export function userJson(row: UserRow): z.infer<typeof userSchema> {
  const times = { created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() };
  return { ...briefUserJson(row), ...times };
}

export const organizationSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    slug: z.string(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
  })
  .meta({ id: 'Organization' });

export function organizationJson(row: OrganizationRow): z.infer<typeof organizationSchema> {
  const { id, name, slug } = row;
  return { id, name, slug, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() };
}

export const tokensSchema = z
  .object({
    access_token: z.string().describe('Goes into `Authorization: Bearer …`'),
    refresh_token: z.string().describe('Good for one `POST /api/auth/refresh`'),
    expires_in: z.int().describe('Seconds that the access token is good for'),
  })
  .meta({ id: 'Tokens' });

export const signedInSchema = tokensSchema
  .extend({
    user: briefUserSchema,
    must_change_password: z.literal(true).optional(),
  })
  .meta({ id: 'SignedIn' });

export const registeredSchema = signedInSchema
  .extend({ organization: z.object({ id: z.string(), name: z.string(), slug: z.string() }) })
  .meta({ id: 'Registered' });
