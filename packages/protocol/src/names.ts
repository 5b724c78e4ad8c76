import { z } from 'zod';

/** Team and agent names are safe as a NATS token, a folder, a container name and a URL part. */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/;

export const nameRule =
  'must start with a letter or digit and contain only letters, digits, "-" and "_" (at most 64 characters)';

/**
 * A slug is the name a team's or an agent's resources carry (subjects, folders, containers). It follows the rule of
 * names, is set at creation and stays when the display name changes, so that nothing is orphaned by a rename.
 */
export const slugSchema = z.string().regex(namePattern, nameRule);
