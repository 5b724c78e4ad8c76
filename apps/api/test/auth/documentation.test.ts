import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startLocalApp } from '../support/accounts.ts';

const page = readFileSync(new URL('../../../../docs/auth.md', import.meta.url), 'utf8');

/** All there is to type after the server was started, with failing answers as failures. */
function script(url: string): string {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).slice(1);
  const lines = blocks.join('\n').replace('http://127.0.0.1:8080', url);
  return `set -euo pipefail\ncurl() { command curl --fail --show-error "$@"; }\n${lines}`;
}

test('what docs/auth.md says to type works from start to end', async () => {
  await using app = await startLocalApp({ auth: { multiTenant: false } });
  const { stdout } = await promisify(execFile)('bash', ['-c', script(app.url)]);
  expect(stdout).toContain('"email":"ada@example.org"');
  expect(stdout).toContain('{"org_name":"Acme","email":"ben@example.org"}');
  expect(stdout).toMatch(/"temporary_password":"[\w-]{22}"/);
  expect(stdout).toMatch(/ws:\/\/.*\/activity\?since=0&ticket=act_/);
  expect(stdout).toContain('agentcrew_teams{status="running"} 0');
  expect(app.db.organizations.all()).toMatchObject([{ slug: 'acme' }]);
  const [ada, ...others] = app.db.users.list(app.db.organizations.all()[0]?.id ?? '');
  expect(ada).toMatchObject({ email: 'ada@example.org', is_owner: true });
  expect(others).toEqual([]);
});
