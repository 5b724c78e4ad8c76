import { fileRefSchema as fileRef } from '@agentcrew/protocol';

export const fileRefSchema = fileRef.meta({
  id: 'FileRef',
  description: 'A file that came with a message; `path` is where the agent finds it',
});
