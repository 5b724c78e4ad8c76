import type { SettingRow } from '@agentcrew/models';
import { z } from 'zod';
import { mask } from '../crew/mask.ts';
import { timestampSchema } from './common.ts';

export { mask };

export const settingSchema = z
  .object({
    id: z.int(),
    key: z.string(),
    value: z.string().describe(`\`${mask}\` for a secret`),
    is_secret: z.boolean(),
    updated_at: timestampSchema,
  })
  .meta({ id: 'Setting' });

export const newSettingSchema = z
  .object({
    key: z
      .string()
      .min(1, 'is required')
      .max(255)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not get into an environment
      .regex(/^[^=\x00-\x1f\x7f]+$/, 'must not contain "=" or control characters')
      .refine((key) => key !== '.' && key !== '..', 'must not be a path'),
    value: z
      .string()
      .max(1_048_576)
      .refine((value) => !value.includes('\0'), 'must not contain NUL characters')
      .default(''),
    is_secret: z.boolean().optional(),
  })
  .meta({ id: 'NewSetting' });

export function settingJson({ id, key, value, is_secret, updated_at }: SettingRow): z.infer<typeof settingSchema> {
  return { id, key, value: is_secret ? mask : value, is_secret, updated_at: updated_at.toISOString() };
}
