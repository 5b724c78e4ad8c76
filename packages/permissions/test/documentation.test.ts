import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import { defaultPermissions, effectivePermissions, type Permissions, permissionsSchema } from '../src/index.ts';

const page = readFileSync(new URL('../../../docs/permissions.md', import.meta.url), 'utf8');

/** The fenced blocks of a language, with what stands behind it. */
function blocks(language: string): { policy: string; text: string }[] {
  const fences = page.matchAll(new RegExp(`^\`\`\`${language} policy=(\\w+)\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...fences].map(([, policy = '', text = '']) => ({ policy, text }));
}

const policies = new Map<string, Permissions>([
  ['container', defaultPermissions('docker', '/workspace')],
  ['local', defaultPermissions('local', '/workspace')],
  ...blocks('json').map(({ policy, text }): [string, Permissions] => {
    return [policy, effectivePermissions(permissionsSchema.strict().parse(JSON.parse(text)), 'docker', '/workspace')];
  }),
]);

const examples = blocks('gate').flatMap(({ policy, text }) =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [, decision = '', command = ''] = /^(\w+)\s+(.*?)(?:\s+# .*)?$/.exec(line) ?? [];
      return { policy, decision, command };
    }),
);

test.each(examples)('$policy: $decision $command', ({ policy, decision, command }) => {
  const permissions = policies.get(policy);
  if (permissions === undefined) throw new Error(`no such policy: ${policy}`);
  const call = { tool: 'Bash', input: { command }, cwd: '/workspace', home: '/home/agent' };
  expect(decide(permissions, call).decision).toBe(decision);
});

test('the page has its examples', () => {
  expect(examples.length).toBeGreaterThan(30);
});
