import { isCrewServer } from '@agentcrew/protocol';
import { z } from 'zod';
import { shellRule, withoutShellCharacters } from './common.ts';

const mostServers = 50;
/** Of a team, and of an agent: both together are one variable of a pod, which holds 128 KiB. */
const mostBytes = 49_152;

const safeText = z.string().max(4096).refine(withoutShellCharacters, shellRule);
const stringMap = (key: RegExp, value: RegExp) =>
  z
    .record(z.string().max(1000), z.string().max(mostBytes))
    .refine((map) => Object.keys(map).length <= 100, 'must have at most 100 entries')
    .refine((map) => Object.keys(map).every((name) => key.test(name)), 'must have names without blanks, "=" and ":"')
    .refine((map) => Object.values(map).every((text) => value.test(text)), 'must have values without line breaks');
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these end a header or a text of the system
const oneLine = /^[^\x00\r\n]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const anyText = /^[^\x00]*$/;

/** A server as clients write it. */
export const newMcpServerSchema = z
  .object({
    name: z
      .string()
      .min(1, 'is required')
      .max(64)
      .regex(/^[a-zA-Z0-9_-]+$/, 'may contain only letters, digits, "-" and "_"')
      .refine((name) => !isCrewServer(name), "must not be that of the team's own tools"),
    transport: z.enum(['stdio', 'http', 'sse']),
    command: safeText.optional(),
    args: z.array(safeText).max(100).optional(),
    url: z
      .union([z.literal(''), z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(4096)])
      .optional(),
    env: stringMap(/^[^\s=]+$/, anyText)
      .describe('Secrets: answers have a mask in their place')
      .optional(),
    headers: stringMap(/^[^\s:=]+$/, oneLine)
      .describe('Secrets: answers have a mask in their place')
      .optional(),
  })
  .superRefine((server, context) => {
    const needed = server.transport === 'stdio' ? 'command' : 'url';
    if (!server[needed]) context.addIssue({ code: 'custom', path: [needed], message: 'is required' });
  })
  .meta({ id: 'NewMcpServer' });

/** The servers of a team or an agent, names unique whatever their case. */
export const mcpServersSchema = z
  .array(newMcpServerSchema)
  .max(mostServers)
  .refine(
    (servers) => Buffer.byteLength(JSON.stringify(servers)) <= mostBytes,
    `must be at most ${mostBytes} bytes of JSON`,
  )
  .superRefine((servers, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of servers.entries()) {
      if (seen.has(name.toLowerCase())) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is used twice' });
      }
      seen.add(name.toLowerCase());
    }
  });

/** A server as it is shown. One that was stored by older rules is shown too. */
export const mcpServerSchema = z
  .object({
    name: z.string(),
    transport: z.enum(['stdio', 'http', 'sse']),
    command: z.string().optional(),
    args: z.array(z.string()).optional(),
    url: z.string().optional(),
    env: z.record(z.string(), z.string()).describe('Values are masked').optional(),
    headers: z.record(z.string(), z.string()).describe('Values are masked').optional(),
  })
  .meta({ id: 'McpServer' });

export const mcpStatusSchema = z.object({
  name: z.string(),
  status: z.string().describe('`running`, `failed`, or what else Claude Code says'),
  error: z.string().describe('Which agent has what trouble with it').optional(),
});
