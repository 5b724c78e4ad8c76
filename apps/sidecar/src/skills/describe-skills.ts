import { oneLine } from '../cut.ts';
import type { ShelvedSkill } from './shelf.ts';

const longestDescription = 1_024;

/** The part of an agent's instructions that tells its skills; empty when it has none. */
export function describeSkills(skills: ShelvedSkill[]): string {
  if (skills.length === 0) return '';
  const lines = skills.map(
    ({ name, description, file }) => `- **${name}** — ${oneLine(description, longestDescription)} (\`${file}\`)`,
  );
  return `\n\n## Skills\n\nA skill is a guide to work of some kind. Before you do something that one of these describes, read its file and follow it; paths in it are relative to its folder, which you may read and not change.\n\n${lines.join('\n')}`;
}
