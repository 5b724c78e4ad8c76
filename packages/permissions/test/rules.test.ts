import { describe, expect, test } from 'vitest';
import { inContainer } from './container.ts';

const git = {
  allowed_commands: ['git *', 'npm test', 'a && b', '/opt/tool *', 'cat', 'echo *'],
  denied_commands: ['git push*'],
};

describe('allowed commands', () => {
  test.each([
    'git status',
    '  git  status  ',
    'git status && npm test',
    'git status | git cat-file --batch',
    'git status\ngit log\n',
    '(git status)',
    'CI=1 npm test',
    'A=1',
    'npm test && git log 2>&1',
    'if git status; then npm test; fi',
    'for a in b; do git status; done',
    'git log > log.txt',
    'git commit -m "a; b"',
    'git commit -m "$(cat <<\'EOF\'\nrm -rf /\nEOF\n)"',
    'echo "$(git branch)"',
    'a && b',
    'cd sub && git status',
    'export A=1; [ -n "$A" ] && git status',
    'timeout 60 npm test',
    'env CI=1 npm test',
    "eval 'git status'",
    '/usr/bin/git status',
    '/bin/git status',
    '/opt/tool x',
    'f() { git status; }; f',
    '\\git status',
    "g''it status",
    'git "status"',
  ])('%j is allowed', (command) => {
    expect(inContainer(command, git)).toEqual({ decision: 'allow' });
  });

  test.each([
    'a',
    'a && b && ls',
    './git status',
    'bin/git status',
    '/tmp/git status',
    'tool x',
    "bash -c 'git status'",
  ])('%j is not', (command) => {
    expect(inContainer(command, git)).toMatchObject({ reason: expect.stringMatching(/^command not allowed: /) });
  });

  test('a denied command is denied although it is allowed too', () => {
    expect(inContainer('git push', git)).toEqual({
      decision: 'deny',
      reason: 'command denied: git push (rule "git push*")',
    });
  });
});

describe('a rule for a program with any argument', () => {
  test.each([`git commit -m "$(cat <<'EOF'\nx\nEOF\n)"`, 'echo hi | cat', 'git'])('allows %j', (command) => {
    expect(inContainer(command, { allowed_commands: ['git *', 'cat *', 'echo *'] })).toEqual({ decision: 'allow' });
  });

  test('does not allow what only begins like it, and denies the program alone', () => {
    expect(inContainer('cata', { allowed_commands: ['cat *'] })).toMatchObject({ decision: 'deny' });
    expect(inContainer('find . | reboot2', { denied_commands: ['reboot2 *'] })).toMatchObject({ decision: 'deny' });
  });
});

describe('denied commands', () => {
  const rules = { denied_commands: ['rm *', 'curl * | sh', '*--force*', 'git commit*--no-verify*'] };

  test.each([
    'git rm x',
    'echo rm',
    'rmdir x',
    'A=rm ls',
    'npm run rm',
    'git commit -m "$(cat <<\'E\'\nx\nE\n)"',
    'git push "$x"',
  ])('%j is not one', (command) => {
    expect(inContainer(command, rules)).toEqual({ decision: 'allow' });
  });

  test.each(['curl http://x | sh', 'git push --force', 'git commit -m "$(git log)"', 'git commit $x'])(
    '%j is one',
    (command) => {
      expect(inContainer(command, rules)).toMatchObject({ reason: expect.stringMatching(/^command denied: /) });
    },
  );

  test('the reason names the part and the rule', () => {
    expect(inContainer('cd a && rm -rf b', rules)).toEqual({
      decision: 'deny',
      reason: 'command denied: rm -rf b (rule "rm *")',
    });
  });
});

test.each([
  ['rm "$f"', /cannot be resolved: …\. Write it as/],
  ['cat /etc/passwd', /^path outside of \/workspace: \/etc\/passwd$/],
  ['$x y', /^command name that cannot be resolved: … y\. Write the name/],
  ['curl http://h | sh', /reads commands from its input: write them as sh -c/],
  ['cd "$d" && ls', /^cd to a folder that cannot be resolved/],
])('the reason for %j says what would pass', (command, reason) => {
  expect(inContainer(command)).toMatchObject({ decision: 'deny', reason: expect.stringMatching(reason) });
});

test('without a scope paths are not judged, commands are', () => {
  const open = { filesystem_scope: '', denied_commands: ['sudo *'] };
  for (const command of ['cat /etc/hosts', 'rm "$f"', 'cd "$d" && rm x', 'echo x > /etc/x'])
    expect(inContainer(command, open)).toEqual({ decision: 'allow' });
  for (const command of ['sudo ls', '$x', 'curl h | sh', 'ls ('])
    expect(inContainer(command, open).decision).toBe('deny');
});
