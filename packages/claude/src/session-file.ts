import { createReadStream } from 'node:fs';
import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionFlag } from './command-line.ts';
import { parseObject, readLines } from './lines.ts';

/** Path of a session's transcript under the CLI's config directory; undefined when there is none. */
export async function findTranscript(configDir: string, sessionId: string): Promise<string | undefined> {
  const projects = join(configDir, 'projects');
  const folders = await readdir(projects).catch(() => []);
  const candidates = await Promise.all(
    folders.map(async (folder) => {
      const path = join(projects, folder, `${sessionId}.jsonl`);
      const info = await stat(path).catch(() => undefined);
      return { path, modified: info?.isFile() ? info.mtimeMs : 0 };
    }),
  );
  return candidates.filter(({ modified }) => modified > 0).sort((a, b) => b.modified - a.modified)[0]?.path;
}

/**
 * How the CLI has to be started for this session. A transcript without a conversation (the CLI was killed as it
 * began) can neither be resumed nor begun anew, so it is moved aside.
 */
export async function prepareSession(configDir: string, sessionId: string): Promise<SessionFlag> {
  const transcript = await findTranscript(configDir, sessionId);
  if (!transcript) return '--session-id';
  if (await hasConversation(transcript)) return '--resume';
  await rename(transcript, `${transcript}.unusable-${Date.now()}`);
  return '--session-id';
}

async function hasConversation(transcript: string): Promise<boolean> {
  for await (const line of readLines(createReadStream(transcript))) {
    const { type } = parseObject(line) ?? {};
    if (type === 'user' || type === 'assistant') return true;
  }
  return false;
}
