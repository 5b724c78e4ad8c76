import type { AuthType } from '@agentcrew/models';
import { controlCharacters, headerNamePattern, isReservedHeader } from './headers.ts';

type Config = Record<string, string>;

/** What each kind of authentication needs in `auth_config`. */
export const authKeys = {
  none: [],
  bearer: ['token'],
  basic: ['username', 'password'],
  header: ['header_name', 'header_value'],
} as const satisfies Record<AuthType, string[]>;

/** Those parts of `auth_config` that may be empty: some services take a key as the user and no password. */
const mayBeEmpty = new Set(['password']);

/** What is wrong with an `auth_config`, as a sentence; `undefined` when nothing is. */
export function authProblem(type: AuthType, config: Config): string | undefined {
  for (const key of authKeys[type]) {
    const value = config[key];
    if (value === undefined || (value === '' && !mayBeEmpty.has(key)))
      return `auth_config.${key} is required with auth_type ${type}`;
    if (controlCharacters.test(value)) return `auth_config.${key} must not contain control characters`;
  }
  if (type === 'basic' && config.username?.includes(':')) return 'auth_config.username must not contain ":"';
  if (type !== 'header' || config.header_name === undefined) return undefined;
  if (!headerNamePattern.test(config.header_name)) return 'auth_config.header_name must be the name of a header';
  if (isReservedHeader(config.header_name)) return 'auth_config.header_name must not be one that HTTP itself needs';
  return undefined;
}

/** The header that says who calls, by its name in lower case; none with `none`. */
export function authHeader(type: AuthType, config: Config): { name: string; value: string } | undefined {
  switch (type) {
    case 'none':
      return undefined;
    case 'bearer':
      return { name: 'authorization', value: `Bearer ${config.token}` };
    case 'basic': {
      const pair = Buffer.from(`${config.username}:${config.password}`).toString('base64');
      return { name: 'authorization', value: `Basic ${pair}` };
    }
    case 'header':
      return { name: (config.header_name ?? '').toLowerCase(), value: config.header_value ?? '' };
  }
}
