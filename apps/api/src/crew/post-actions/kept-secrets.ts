import type { AuthType } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import { mask } from '../mask.ts';
import { authKeys, authProblem } from './auth.ts';
import { isSecretHeader } from './headers.ts';

type Map = Record<string, string>;

function untouched(value: string | undefined): boolean {
  return value === undefined || value === '' || value === mask;
}

/**
 * The `auth_config` to store: of what was sent, only what the kind of authentication needs; what was sent as its mask or
 * empty is what is stored already. Throws INVALID_REQUEST when something is missing.
 */
export function keptAuth(type: AuthType, sent: Map = {}, stored: Map | null = null): Map | null {
  const values = authKeys[type].flatMap((key) => {
    const value = untouched(sent[key]) ? (stored?.[key] ?? sent[key]) : sent[key];
    // A mask that nothing stands behind is no value.
    return value === undefined || value === mask ? [] : [[key, value] as const];
  });
  const config = Object.fromEntries(values);
  const problem = authProblem(type, config);
  if (problem) throw new CrewError('INVALID_REQUEST', problem);
  return type === 'none' ? null : config;
}

/** The headers to store; a secret one that was sent as its mask or empty stays as it is. Throws INVALID_REQUEST. */
export function keptHeaders(sent: Map, stored: Map | null = null): Map {
  const known = new Map(Object.entries(stored ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const kept = Object.entries(sent).map(([name, value]): [string, string] => {
    if (!isSecretHeader(name) || !untouched(value)) return [name, value];
    const before = known.get(name.toLowerCase());
    if (before === undefined && value === mask)
      throw new CrewError('INVALID_REQUEST', `headers.${name} is masked, and there is no value to keep`);
    return [name, before ?? value];
  });
  return Object.fromEntries(kept);
}

/** The headers as clients see them. */
export function maskedHeaders(headers: Map | null): Map | null {
  if (headers === null) return null;
  const shown = Object.entries(headers).map(([name, value]) => [name, isSecretHeader(name) ? mask : value]);
  return Object.fromEntries(shown);
}

/** The same for an `auth_config`: the name of a header is no secret. */
export function maskedAuth(config: Map | null): Map | null {
  if (config === null) return null;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, key === 'header_name' ? value : mask]));
}
