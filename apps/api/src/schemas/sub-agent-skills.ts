import { isSkillName, isSkillRepository, mostSkills, skillSchema } from '@agentcrew/protocol';
import { z } from 'zod';

/** The older form: a plain name, or `owner/repo:skill` (the part before the last colon is the repository). */
const legacySkill = z.string().refine((text) => {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return isSkillName(text);
  return isSkillRepository(text.slice(0, colon)) && isSkillName(text.slice(colon + 1));
}, 'is not a skill');

/** Skills of an agent: pairs of repository and name, or the older form, not mixed. */
export const subAgentSkillsSchema = z
  .union([z.array(skillSchema).max(mostSkills), z.array(legacySkill).max(mostSkills)], {
    error: 'must be a list of {repo_url (https://…, git@host:path, owner/repo), skill_name}',
  })
  .nullable();
