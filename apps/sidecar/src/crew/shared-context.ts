import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Envelope } from '@agentcrew/protocol';
import { z } from 'zod';
import { writeFileAtomically } from '../atomic-file.ts';
import { cut } from '../cut.ts';

const noteSchema = z.object({ message_id: z.string(), from: z.string(), content: z.string() });
type Note = z.infer<typeof noteSchema>;

const stateSchema = z.object({
  /** What no turn has got yet, oldest first. */
  waiting: z.array(noteSchema),
  /** What the turn of one message got: the same again, should it have to begin anew. */
  given: z.object({ message_id: z.string(), notes: z.array(noteSchema) }).optional(),
  /** Ids that were taken, so that a copy is not. */
  taken: z.array(z.string()),
});

const mostNotes = 50;
/** Characters of one note, and of all that wait. */
const noteLimit = 20_000;
const totalLimit = 100_000;
const rememberedIds = 200;

/** What teammates shared, until the agent's next turn; in a file, so that a crash loses none of it. */
export class SharedContext {
  readonly #file: string;
  #state: z.infer<typeof stateSchema>;

  constructor(stateFolder: string) {
    this.#file = join(stateFolder, 'context.json');
    this.#state = this.#read();
  }

  /** Keeps a note; a copy of one is ignored. When there are too many, the oldest give way. */
  add({ message_id, from }: Envelope, content: string): void {
    const { waiting, taken } = this.#state;
    if (taken.includes(message_id)) return;
    taken.push(message_id);
    taken.splice(0, taken.length - rememberedIds);
    waiting.push({ message_id, from, content: cut(content, noteLimit) });
    while (waiting.length > mostNotes || lengthOf(waiting) > totalLimit) waiting.shift();
    this.#save();
  }

  /** What to tell before the message, as one text; `undefined` when there is nothing. Asked again, it says the same. */
  before(messageId: string): string | undefined {
    if (this.#state.given?.message_id !== messageId) {
      if (this.#state.waiting.length === 0) return undefined;
      this.#state.given = { message_id: messageId, notes: this.#state.waiting };
      this.#state.waiting = [];
      this.#save();
    }
    const notes = this.#state.given.notes.map(({ from, content }) => `From ${from}:\n${content}`);
    return ['Your teammates shared this with you:', ...notes].join('\n\n');
  }

  #save(): void {
    writeFileAtomically(this.#file, JSON.stringify(this.#state));
  }

  #read(): z.infer<typeof stateSchema> {
    try {
      return stateSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return { waiting: [], taken: [] };
    }
  }
}

function lengthOf(notes: Note[]): number {
  return notes.reduce((sum, { content }) => sum + content.length, 0);
}
