import { type Database, defaultOrgId } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';

/** Settings that are credentials of the model: always secret, and never part of an agent's environment. */
export const credentialKeys = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'] as const;

const baseUrlKey = 'ANTHROPIC_BASE_URL';
const modelKey = 'CLAUDE_MODEL';
const ambientKeys = [...credentialKeys, baseUrlKey] as const;

/** What the server's environment says of the model, without anything else that is in it. */
export type AmbientCredentials = Partial<Record<(typeof ambientKeys)[number], string>>;

/** What the agents of an organisation get from its settings. */
export interface AgentSettings {
  apiKey?: string;
  oauthToken?: string;
  baseUrl?: string;
  model?: string;
  /** The settings that are not secret: environment of the agents and their tools. */
  env: Record<string, string>;
}

export function ambientCredentials(environment: AmbientCredentials): AmbientCredentials {
  return Object.fromEntries(ambientKeys.map((key) => [key, environment[key]]));
}

/**
 * Reads the settings table, then the server's own environment. A credential found in the settings hides all of the
 * environment's, so that the two are never mixed. Those of the environment are the first organisation's, whose the
 * server is: another one could spend them, and send them to an address of its own.
 * @throws CrewError CREDENTIAL_MISSING that says what to set and how.
 */
export function agentSettings(db: Database, orgId: string, ambient: AmbientCredentials): AgentSettings {
  const stored = new Map<string, string>();
  const env: Record<string, string> = {};
  for (const { key, value, is_secret, undecryptable } of db.settings.entries(orgId)) {
    if (undecryptable && isCredential(key)) throw unreadableCredential(key);
    if (value === undefined || value === '') continue;
    stored.set(key, value);
    if (!is_secret && !isCredential(key)) env[key] = value;
  }
  const inSettings = credentialKeys.some((key) => stored.has(key));
  const credential = (key: (typeof credentialKeys)[number]) => {
    if (inSettings) return stored.get(key);
    return orgId === defaultOrgId ? ambient[key] : undefined;
  };

  const apiKey = credential('ANTHROPIC_API_KEY');
  const oauthToken = credential('CLAUDE_CODE_OAUTH_TOKEN') ?? credential('ANTHROPIC_AUTH_TOKEN');
  if (!apiKey && !oauthToken) throw missingCredential(orgId);
  return {
    apiKey,
    oauthToken,
    baseUrl: stored.get(baseUrlKey) ?? ambient[baseUrlKey],
    model: stored.get(modelKey),
    env,
  };
}

export function isCredential(key: string): boolean {
  return credentialKeys.some((known) => known === key);
}

function unreadableCredential(key: string): CrewError {
  return new CrewError(
    'CREDENTIAL_MISSING',
    `The setting ${key} cannot be decrypted: it was saved under another SETTINGS_ENCRYPTION_KEY. Save it again, then deploy again.`,
  );
}

function missingCredential(orgId: string): CrewError {
  const orElse = orgId === defaultOrgId ? " or in the server's environment" : '';
  return new CrewError(
    'CREDENTIAL_MISSING',
    'No credential for Claude: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN on the Settings page ' +
      `(PUT /api/settings {"key":"ANTHROPIC_API_KEY","value":"…","is_secret":true})${orElse}, then deploy again.`,
  );
}
