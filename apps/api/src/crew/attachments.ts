import { randomUUID } from 'node:crypto';
import type { AgentRow, MessageRow } from '@agentcrew/models';
import { type FileRef, messageOf } from '@agentcrew/protocol';
import { answererOf } from './addressee.ts';
import { agentFiles } from './agent-files.ts';
import type { Crew } from './crew.ts';
import { uploadName } from './upload-name.ts';

/** A file that a client has sent, as it lies on this server. */
export interface ReceivedFile {
  /** As the client calls it. */
  name: string;
  /** Media type, as the client says. */
  type: string;
  /** Bytes. */
  size: number;
  localPath: string;
}

export interface ChatWithFiles {
  content: string;
  files: ReceivedFile[];
  to?: AgentRow;
  idempotencyKey?: string;
}

/**
 * Stores a chat message once its files are in the workspace of the agent that is to answer; when it is refused, none of
 * them stays there.
 * @throws CrewError TEAM_NOT_RUNNING, AGENT_NOT_RUNNING, WORKSPACE_UNAVAILABLE
 */
export async function acceptChatWithFiles(crew: Crew, teamId: string, chat: ChatWithFiles): Promise<MessageRow> {
  const { content, files, ...options } = chat;
  if (files.length === 0 || isKnown(crew, teamId, chat)) return crew.acceptChat(teamId, content, options);
  const agent = answererOf(crew.db.agents.listByTeam(teamId), options.to);
  const workspace = agentFiles(crew.buses.get(teamId), agent.slug);
  const now = new Date();
  const uploads = files.map((file) => ({ id: randomUUID(), name: uploadName(file.name, now), file }));
  const ids = uploads.map(({ id }) => id);
  try {
    for (const { id, name, file } of uploads) await workspace.put(id, name, file.localPath);
    const refs = refsOf(files, await workspace.keep(ids));
    if (!isKnown(crew, teamId, chat)) return crew.acceptChat(teamId, content, { ...options, files: refs });
  } catch (error) {
    await discard();
    throw error;
  }
  // The same message has come a second time meanwhile.
  await discard();
  return crew.acceptChat(teamId, content, options);

  /** An agent that cannot be reached forgets by itself what it has not kept. */
  async function discard(): Promise<void> {
    await workspace.discard(ids).catch((error: unknown) => {
      crew.log.warn({ team_id: teamId, agent: agent.slug, error: messageOf(error) }, 'uploads not discarded');
    });
  }
}

function isKnown({ db }: Crew, teamId: string, { idempotencyKey }: ChatWithFiles): boolean {
  return idempotencyKey !== undefined && db.messages.byIdempotencyKey(teamId, idempotencyKey) !== undefined;
}

function refsOf(files: ReceivedFile[], paths: string[]): FileRef[] {
  return files.map(({ name, size, type }, index) => ({ name, path: paths[index] ?? '', size, type }));
}
