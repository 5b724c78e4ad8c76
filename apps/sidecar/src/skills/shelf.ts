import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import { type Skill, skillKey } from '@agentcrew/protocol';
import { frontMatter } from './front-matter.ts';

/** A skill that is there. */
export interface ShelvedSkill {
  name: string;
  description: string;
  /** Path of its SKILL.md. */
  file: string;
}

const places = [join('.claude', 'skills'), join('.agents', 'skills')];
/** Written when an installation is complete. */
const seal = 'installed';
const largestFile = 256 * 1024;

/**
 * The installed skills, each in a folder of its own under the agent's state folder. An installation counts when it is
 * complete; until then the one before stays.
 */
export class Shelf {
  readonly folder: string;

  constructor(stateFolder: string) {
    this.folder = join(stateFolder, 'skills');
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  /** A new, empty folder to install the skill in. */
  prepare(skill: Skill): string {
    const folder = join(this.#folderOf(skill), randomUUID().slice(0, 8));
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Takes what was installed in the folder in place of what was there. `false`: there is no skill in it. */
  accept(skill: Skill, folder: string): boolean {
    if (skillsIn(folder).length === 0) return false;
    writeFileSync(join(folder, seal), skillKey(skill));
    for (const other of this.#installations(skill)) if (other !== folder) discard(other);
    return true;
  }

  /** What the skill consists of; nothing when it is not installed. */
  find(skill: Skill): ShelvedSkill[] {
    const complete = this.#installations(skill).find((folder) => existsSync(join(folder, seal)));
    return complete === undefined ? [] : skillsIn(complete);
  }

  /** Removes all skills but these. */
  keepOnly(skills: Skill[]): void {
    const kept = new Set(skills.map((skill) => this.#folderOf(skill)));
    for (const name of list(this.folder)) {
      const folder = join(this.folder, name);
      if (!kept.has(folder)) discard(folder);
    }
  }

  #installations(skill: Skill): string[] {
    const folder = this.#folderOf(skill);
    return list(folder).map((name) => join(folder, name));
  }

  #folderOf(skill: Skill): string {
    return join(this.folder, createHash('sha256').update(skillKey(skill)).digest('hex').slice(0, 16));
  }
}

/** Removes a folder; what cannot be removed is nobody's trouble now. */
export function discard(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is not looked at any more.
  }
}

function skillsIn(folder: string): ShelvedSkill[] {
  for (const place of places) {
    const found = list(join(folder, place)).flatMap((name) =>
      read(folder, join(folder, place, name, 'SKILL.md'), name),
    );
    if (found.length > 0) return found;
  }
  return [];
}

/** Only what lies in the folder: a link to elsewhere would put a file of the agent into its instructions. */
function read(folder: string, file: string, name: string): ShelvedSkill[] {
  try {
    const real = realpathSync(file);
    if (!real.startsWith(realpathSync(folder) + sep) || statSync(real).size > largestFile) return [];
    const { description = '' } = frontMatter(readFileSync(real, 'utf8'));
    return [{ name, description, file }];
  } catch {
    return [];
  }
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}
