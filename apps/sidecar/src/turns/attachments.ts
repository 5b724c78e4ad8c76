import { type Envelope, fileRefSchema, mostFiles } from '@agentcrew/protocol';
import { z } from 'zod';

const filesSchema = z.array(fileRefSchema).min(1).max(mostFiles);

/** What Claude is told of the files that came with a message; the message itself follows as a text of its own. */
export function attachmentNote({ payload }: Pick<Envelope, 'payload'>): string | undefined {
  const { data: files } = filesSchema.safeParse(payload.files);
  if (!files) return undefined;
  const lines = files.map(
    ({ name, path, size, type }) => `- ${path} (${size} bytes, ${type}, sent as ${JSON.stringify(name)})`,
  );
  return ['The user sent these files with the message below. They are in your workspace:', ...lines].join('\n');
}
