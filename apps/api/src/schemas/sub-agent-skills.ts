import { z } from 'zod';
import { withoutShellCharacters } from './common.ts';

const skillName = z
  .string()
  .max(255)
  .regex(/^[a-zA-Z0-9@/_.-]+$/, 'is not a skill name');
const repoUrl = z
  .url({ protocol: /^https$/, error: 'must be an https URL' })
  .max(2048)
  .refine(withoutShellCharacters, 'must not contain shell characters');

const skill = z.object({ repo_url: repoUrl, skill_name: skillName });

/** The older form: a plain name, or `owner/repo:skill` (the part before the last colon is the repository). */
const legacySkill = z.string().refine((text) => {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return skillName.safeParse(text).success;
  const repository = text.slice(0, colon);
  const url = repository.startsWith('https://') ? repository : `https://github.com/${repository}`;
  return repoUrl.safeParse(url).success && skillName.safeParse(text.slice(colon + 1)).success;
}, 'is not a skill');

/** Skills of an agent: pairs of repository and name, or the older form, not mixed. */
export const subAgentSkillsSchema = z
  .union([z.array(skill).max(100), z.array(legacySkill).max(100)], {
    error: 'must be a list of {repo_url (https), skill_name}',
  })
  .nullable();
