import { z } from 'zod';

export const mostSkills = 100;
/** How long the installer of one skill may take when nothing is said, in milliseconds. */
export const defaultSkillInstallMs = 120_000;

const longestUrl = 2_048;
/** Nothing that a shell, an option or a line of a log could be made of. */
const unsafe = /[\s;|&$`\\"'<>(){}!\p{Cc}]|^-|\.\./u;
const gitAddress = /^git@[a-z0-9.-]+:[\w./~-]+$/i;
const ownerAndName = /^[a-z0-9][\w.-]*\/[\w.-]+$/i;

/** Whether the installer may be given it: `https://…` without a user, `git@host:path`, or `owner/repo` of GitHub. */
export function isSkillRepository(text: string): boolean {
  if (text.length > longestUrl || unsafe.test(text)) return false;
  if (gitAddress.test(text) || ownerAndName.test(text)) return true;
  const url = URL.parse(text);
  return url?.protocol === 'https:' && url.hostname !== '' && url.username === '' && url.password === '';
}

export function isSkillName(text: string): boolean {
  return /^[a-zA-Z0-9@/_.][a-zA-Z0-9@/_.-]{0,254}$/.test(text);
}

/** A skill in a repository of skills. */
export const skillSchema = z.object({
  repo_url: z.string().refine(isSkillRepository, 'must be an https URL without a user, git@host:path, or owner/repo'),
  skill_name: z.string().refine(isSkillName, 'is not a skill name'),
});
export type Skill = z.infer<typeof skillSchema>;

/** What a skill is called in statuses. */
export function skillKey({ repo_url, skill_name }: Skill): string {
  return `${repo_url}:${skill_name}`;
}

/** The skills an agent is to have. */
export const wantedSkillsSchema = z.array(skillSchema).max(mostSkills);

/** `skill_status`: how the skills of an agent are, all of them. `package` is its `skillKey`. */
export const skillStatusPayloadSchema = z.looseObject({
  agent_name: z.string(),
  skills: z
    .array(
      z.object({
        name: z.string(),
        package: z.string(),
        status: z.enum(['pending', 'installed', 'failed']),
        error: z.string().max(1_000).optional(),
      }),
    )
    .max(mostSkills),
});
export type SkillStatusPayload = z.infer<typeof skillStatusPayloadSchema>;
