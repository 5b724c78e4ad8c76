import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../atomic-file.ts';

const fileSchema = z.array(z.uuid());

/**
 * Ids of approvals whose end is not stored on the bus yet, in a file that survives a crash: the next process tells that
 * nobody waits for them any more.
 */
export class PendingFile {
  readonly #file: string;
  readonly #ids: Set<string>;

  constructor(stateFolder: string) {
    this.#file = join(stateFolder, 'approvals.json');
    this.#ids = new Set(this.#read());
  }

  ids(): string[] {
    return [...this.#ids];
  }

  add(id: string): void {
    this.#ids.add(id);
    this.#write();
  }

  delete(id: string): void {
    if (this.#ids.delete(id)) this.#write();
  }

  #write(): void {
    writeFileAtomically(this.#file, JSON.stringify(this.ids()));
  }

  #read(): string[] {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return [];
    }
  }
}
