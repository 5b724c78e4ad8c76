import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

const sessionSchema = z.object({ session_id: z.uuid() });

/** The Claude session of the agent; it outlives every process, so that a conversation goes on after a restart. */
export class Session {
  readonly #file: string;
  #id: string;

  constructor(stateFolder: string) {
    this.#file = join(stateFolder, 'session.json');
    this.#id = this.#read() ?? this.renew();
  }

  get id(): string {
    return this.#id;
  }

  /** Gives the session up and begins another one. */
  renew(): string {
    this.#id = randomUUID();
    writeFileAtomically(this.#file, JSON.stringify({ session_id: this.#id }));
    return this.#id;
  }

  #read(): string | undefined {
    try {
      return sessionSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8'))).session_id;
    } catch {
      return undefined;
    }
  }
}
