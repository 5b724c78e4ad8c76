import type { Database } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';

/** Settings that are credentials of the model: always secret, and never part of an agent's environment. */
export const credentialKeys = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'] as const;

const baseUrlKey = 'ANTHROPIC_BASE_URL';
const modelKey = 'CLAUDE_MODEL';

export type AmbientCredentials = Partial<Record<(typeof credentialKeys)[number] | typeof baseUrlKey, string>>;

/** What the agents of an organisation get from its settings. */
export interface AgentSettings {
  apiKey?: string;
  oauthToken?: string;
  baseUrl?: string;
  model?: string;
  /** The settings that are not secret: environment of the agents and their tools. */
  env: Record<string, string>;
}

/**
 * Reads the settings table, then the server's own environment. A credential found in the settings hides all of the
 * environment's, so that the two are never mixed.
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
  const credential = (key: (typeof credentialKeys)[number]) => (inSettings ? stored.get(key) : ambient[key]);

  const apiKey = credential('ANTHROPIC_API_KEY');
  const oauthToken = credential('CLAUDE_CODE_OAUTH_TOKEN') ?? credential('ANTHROPIC_AUTH_TOKEN');
  if (!apiKey && !oauthToken) throw missingCredential();
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

function missingCredential(): CrewError {
  return new CrewError(
    'CREDENTIAL_MISSING',
    'No credential for Claude: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN on the Settings page ' +
      '(PUT /api/settings {"key":"ANTHROPIC_API_KEY","value":"…","is_secret":true}) ' +
      "or in the server's environment, then deploy again.",
  );
}
