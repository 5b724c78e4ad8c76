import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../atomic-file.ts';

const openTaskSchema = z.object({
  message_id: z.string(),
  /** The message whose turn asked for it. */
  ref: z.string(),
  agent: z.string(),
  /** Of what was asked: tells the same request from another one. */
  digest: z.string(),
  deadline: z.iso.datetime(),
  /** Number in the stream, once it is stored there. */
  sequence: z.int().optional(),
});
export type OpenTask = z.infer<typeof openTaskSchema>;

/** Tasks given to teammates whose answers were not taken yet; in a file, for the process after a crash. */
export class OpenTasks {
  readonly #file: string;
  #tasks: OpenTask[];

  constructor(stateFolder: string) {
    this.#file = join(stateFolder, 'tasks.json');
    this.#tasks = this.#read();
  }

  /** Tasks of a turn. */
  of(ref: string): OpenTask[] {
    return this.#tasks.filter((task) => task.ref === ref);
  }

  /** Tasks of turns that are over. */
  except(ref: string | undefined): OpenTask[] {
    return this.#tasks.filter((task) => task.ref !== ref);
  }

  save(task: OpenTask): void {
    this.#tasks = [...this.#tasks.filter(({ message_id }) => message_id !== task.message_id), task];
    this.#write();
  }

  remove(messageId: string): void {
    this.#tasks = this.#tasks.filter(({ message_id }) => message_id !== messageId);
    this.#write();
  }

  #write(): void {
    writeFileAtomically(this.#file, JSON.stringify(this.#tasks));
  }

  #read(): OpenTask[] {
    try {
      return z.array(openTaskSchema).parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return [];
    }
  }
}

export function digestOf(request: object): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}
