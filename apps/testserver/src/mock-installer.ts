import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstallerResult, InstallerRun } from '@agentcrew/sidecar/skills/run-installer.ts';
import { isToFail } from './mock-claude.ts';

const takesMs = 500;

/** Installs a skill that is made up, without a look at its repository. */
export async function mockInstaller({ skill, folder }: InstallerRun): Promise<InstallerResult> {
  const { repo_url, skill_name } = skill;
  await delay(takesMs);
  const source = `Source: ${repo_url}\n`;
  if (isToFail(skill_name)) {
    const problem = `No matching skills found for: ${skill_name}`;
    return { output: `${source}${problem}\n`, problem: `The installer ended with exit code 1: ${problem}` };
  }
  const place = join(folder, '.claude', 'skills', 'mock');
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'SKILL.md'), `---\nname: ${skill_name}\ndescription: made up by the test server\n---\n`);
  return { output: `${source}Installed 1 skill: ${skill_name}\n` };
}
