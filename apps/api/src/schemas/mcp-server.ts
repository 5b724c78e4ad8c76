import { z } from 'zod';
import { shellRule, withoutShellCharacters } from './common.ts';

const safeText = z.string().max(4096).refine(withoutShellCharacters, shellRule);
const stringMap = z
  .record(z.string().max(1000), z.string().max(65_536))
  .refine((map) => Object.keys(map).length <= 100, 'must have at most 100 entries');

export const mcpServerSchema = z
  .object({
    name: z
      .string()
      .min(1, 'is required')
      .max(64)
      .regex(/^[a-zA-Z0-9_-]+$/, 'may contain only letters, digits, "-" and "_"'),
    transport: z.enum(['stdio', 'http', 'sse']),
    command: safeText.optional(),
    args: z.array(safeText).max(100).optional(),
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .max(4096)
      .optional(),
    env: stringMap.optional(),
    headers: stringMap.optional(),
  })
  .superRefine((server, context) => {
    const needed = server.transport === 'stdio' ? 'command' : 'url';
    if (!server[needed]) context.addIssue({ code: 'custom', path: [needed], message: 'is required' });
  })
  .meta({ id: 'McpServer' });

/** A team's servers: at most 50, names unique whatever their case. */
export const mcpServersSchema = z
  .array(mcpServerSchema)
  .max(50)
  .superRefine((servers, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of servers.entries()) {
      if (seen.has(name.toLowerCase())) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is used twice' });
      }
      seen.add(name.toLowerCase());
    }
  });

export const mcpStatusSchema = z.object({ name: z.string(), status: z.string(), error: z.string().optional() });
