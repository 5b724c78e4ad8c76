import { join } from 'node:path';

/** The gate of the demo's leader: file tools in the workspace, `ls`, and nothing that fetches from a network. */
const leaderPermissions = {
  allowed_tools: ['Read', 'Glob', 'Grep', 'Edit', 'Write', 'Bash'],
  allowed_commands: ['ls*'],
  denied_commands: ['curl*', 'wget*'],
};

/** The team of the demo. */
export const team = {
  name: 'demo',
  description: 'a small crew that shows itself to visitors',
  agents: [
    {
      name: 'ada',
      role: 'leader',
      specialty: 'leads the team and answers the user',
      system_prompt:
        'Be brief and friendly. Do exactly what is asked, once, and do not work around a denied tool call.',
      permissions: leaderPermissions,
    },
    { name: 'ben', role: 'worker', specialty: 'research' },
    { name: 'cleo', role: 'worker', specialty: 'writing' },
  ],
};

const request = [
  'Please welcome a visitor: look around in the workspace with `ls -la`, write a welcome of two lines into welcome.md, and read it again.',
  'Then try `curl https://example.com` once: your permissions forbid it, and the visitor would like to see that.',
  'Tell in three sentences what you did.',
].join('\n');

/** What the visitor asks for, as Claude reads it. */
export function naturalMessage(): string {
  return request;
}

/** The same, followed by the lines that tell the scripted model what to do. */
export function scriptedMessage(dataDir: string): string {
  const note = join(dataDir, 'teams', team.name, 'workspace', 'welcome.md');
  const content = '# Welcome\nThis file was written by an agent of your first crew.\n';
  return [
    request,
    '',
    '!think I look around first, then I write the note.',
    tool('Bash', { command: 'ls -la', description: 'Look around' }),
    tool('Write', { file_path: note, content }),
    tool('Read', { file_path: note }),
    tool('Bash', { command: 'curl https://example.com', description: 'Try the network' }),
    '!say The workspace was empty, so I wrote a welcome into welcome.md and read it again to be sure. ' +
      'Then I tried to fetch a page with curl, and my permissions denied it before it ran. ' +
      'My colleagues ben and cleo are up and wait for work.',
  ].join('\n');
}

function tool(name: string, input: object): string {
  return `!tool ${name} ${JSON.stringify(input)}`;
}
