import {
  type Database,
  defaultOrgId,
  type NewAgent,
  type NewMessage,
  type NewTeam,
  openDatabase,
} from '../src/index.ts';

export const org = defaultOrgId;

/** A database of its own for one test. */
export function memoryDatabase(): Database {
  return openDatabase({ path: ':memory:', encryptionKey: 'test key' });
}

export function team(slug: string, values: Partial<NewTeam> = {}): NewTeam {
  return { name: slug, slug, runtime: 'local', nats_token: `token of ${slug}`, ...values };
}

export function agent(teamId: string, slug: string, values: Partial<NewAgent> = {}): NewAgent {
  return { team_id: teamId, name: slug, slug, ...values };
}

export function message(teamId: string, messageId: string, values: Partial<NewMessage> = {}): NewMessage {
  return {
    team_id: teamId,
    message_id: messageId,
    from_agent: 'user',
    to_agent: 'leader',
    message_type: 'user_message',
    payload: { content: messageId },
    ...values,
  };
}
