import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Envelope, type ErrorCode, envelopeSchema, replyIdFor, statusOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

const turnRecordSchema = z.object({
  message_id: z.string(),
  /** Ids of the user messages written to the CLI for this message, one for each run, oldest first. */
  uuids: z.array(z.string()),
  session_id: z.string(),
  /** How often the message was given to the CLI. */
  attempt: z.int(),
  /** Settles the delivery, also from a later process. */
  ack_subject: z.string(),
  started_at: z.iso.datetime(),
  /** Somebody ended the turn: a later process answers with this instead of going on. */
  end: z
    .object({ status: z.enum(['failed', 'interrupted']), code: z.custom<ErrorCode>(isErrorCode), error: z.string() })
    .optional(),
});

/** The message in work. */
export type TurnRecord = z.infer<typeof turnRecordSchema>;

/** Replies that are kept to be sent again instead of running their turn again. */
const keptReplies = 100;

/**
 * What this agent has in work and what it has answered, in files that survive a crash of the process. The rule that
 * makes every message answered once: a reply is stored here before it is published, and the message is acknowledged
 * only after the publication.
 */
export class Ledger {
  readonly #turnFile: string;
  readonly #repliesFolder: string;
  /** File names of the kept replies, oldest first. */
  readonly #replies: string[];

  constructor(stateFolder: string) {
    this.#turnFile = join(stateFolder, 'turn.json');
    this.#repliesFolder = join(stateFolder, 'replies');
    mkdirSync(this.#repliesFolder, { recursive: true, mode: 0o700 });
    const age = (name: string) => statSync(join(this.#repliesFolder, name)).mtimeMs;
    this.#replies = readdirSync(this.#repliesFolder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ name, age: age(name) }))
      .sort((a, b) => a.age - b.age)
      .map(({ name }) => name);
  }

  /** The turn that was in work when this or an earlier process wrote it last. Unreadable counts as none. */
  turn(): TurnRecord | undefined {
    return readJson(this.#turnFile, turnRecordSchema);
  }

  saveTurn(record: TurnRecord): void {
    writeFileAtomically(this.#turnFile, JSON.stringify(record));
  }

  /** The message is settled. */
  clearTurn(messageId: string): void {
    if (this.turn()?.message_id === messageId) rmSync(this.#turnFile, { force: true });
  }

  /** The reply a message has already got. */
  reply(messageId: string): Envelope | undefined {
    return readJson(join(this.#repliesFolder, fileFor(messageId)), envelopeSchema);
  }

  saveReply(messageId: string, reply: Envelope): void {
    const name = fileFor(messageId);
    writeFileAtomically(join(this.#repliesFolder, name), JSON.stringify(reply));
    if (!this.#replies.includes(name)) this.#replies.push(name);
    for (const old of this.#replies.splice(0, this.#replies.length - keptReplies))
      rmSync(join(this.#repliesFolder, old), { force: true });
  }
}

/** Message ids come from outside and may hold any character; the id of the reply is safe as a file name. */
function fileFor(messageId: string): string {
  return `${replyIdFor(messageId)}.json`;
}

function isErrorCode(code: unknown): boolean {
  return typeof code === 'string' && Object.hasOwn(statusOf, code);
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
