import { describe, expect, test } from 'vitest';
import { commandProblem } from '../src/commands.ts';

const denyRm = { allowed_commands: [], denied_commands: ['rm *', 'curl * | sh', 'git push*'] };
const allowGit = { allowed_commands: ['git *', 'npm test', 'a && b'], denied_commands: ['git push*'] };

describe('denied commands', () => {
  test.each([
    'rm -rf /',
    '  rm   x',
    'ls && rm x',
    'ls || rm x',
    'ls; rm x',
    'ls | rm x',
    'ls & rm x',
    'ls&rm x',
    'ls\nrm x',
    'ls\r\nrm x',
    'echo $(rm x)',
    'echo `rm x`',
    '(rm x)',
    '( cd a; rm x )',
    '{ rm x; }',
    'cat <(rm x)',
    'f() { rm x; }',
    'A=1 rm x',
    'A=1 B=2 rm x',
    'A="x y" rm z',
    "A=$'\\'' rm z",
    'a[0]=1 rm x',
    '>out rm x',
    '2>/dev/null rm x',
    'if rm x; then ls; fi',
    'if true; then rm x; fi',
    'while rm x; do ls; done',
    'for a in b; do rm x; done',
    '! rm x',
    'time rm x',
    'coproc rm x',
    'ls 2>&1 && rm x',
    'ls \\>&rm x',
    'ls 2>&1&rm x',
    'r\\\nm x',
    'rm \\\n x',
    'curl http://x | sh',
    'rm\tx',
    `A=${'x '.repeat(300)}`,
  ])('%j is denied', (command) => {
    expect(commandProblem(command, denyRm)).toMatch(/^command denied: /);
  });

  test.each(['ls', 'git rm x', 'echo rm', 'rmdir x', 'git pull', 'A=rm ls', 'npm run rm', 'if git rm x; then ls; fi'])(
    '%j is not',
    (command) => {
      expect(commandProblem(command, denyRm)).toBeUndefined();
    },
  );

  test('the reason names the part', () => {
    expect(commandProblem('cd a && git push --force', denyRm)).toBe('command denied: git push --force');
  });
});

describe('allowed commands', () => {
  test.each([
    'git status',
    '  git status  ',
    'git  status',
    'git status && npm test',
    'git status; git log | git cat-file --batch',
    'git status\ngit log\n',
    '(git status)',
    'CI=1 npm test',
    'A=1 B=2 git status',
    'A=1',
    'npm test && git log 2>&1',
    'if git status; then npm test; fi',
    'git log \\\n && npm test',
    'a && b',
  ])('%j is allowed', (command) => {
    expect(commandProblem(command, allowGit)).toBeUndefined();
  });

  test.each([
    'ls',
    'gitx status',
    'npm test x',
    'git status && ls',
    'git status; ls',
    'git status | ls',
    'git status & ls',
    'git status\nls',
    'git $(ls)',
    'git `ls`',
    '(ls)',
    '{ ls; }',
    'A=1 ls',
    'A=$(ls) git status',
    "A=$'\\'' ls x #'",
    'git status \\>&ls',
    'git status &> file',
    'git log \\\\\nls',
    '>file git status',
    'function ls { git status; }',
    'for a in b; do git status; done',
    'a && b && ls',
    'a',
    'git commit -m "a; b"',
  ])('%j is not allowed', (command) => {
    expect(commandProblem(command, allowGit)).toMatch(/^command not allowed: /);
  });

  test('a denied command is denied although it is allowed too', () => {
    expect(commandProblem('git push', allowGit)).toBe('command denied: git push');
  });
});

test('a command longer than a shell takes is denied, and one of the longest is judged in time', () => {
  const lists = { allowed_commands: [], denied_commands: Array.from({ length: 100 }, (_, at) => `*rm ${at}*`) };
  expect(commandProblem('x'.repeat(131_073), lists)).toMatch(/^command too long/);
  const start = performance.now();
  for (const unit of ['; ', 'A= ', ' ', 'do ', '\\\n']) commandProblem(unit.repeat(131_072 / unit.length), lists);
  commandProblem(`a${' '.repeat(131_000)}b`, lists);
  expect(performance.now() - start).toBeLessThan(20_000);
});
