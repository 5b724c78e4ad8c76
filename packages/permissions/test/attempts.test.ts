import { describe, expect, test } from 'vitest';
import type { Permissions } from '../src/index.ts';
import { inContainer } from './container.ts';
import { type Attempts, allowedCommands, denied, deniedCommands, notAllowed, outOfScope } from './tables/attempts.ts';

const tables: [string, readonly Attempts[], Partial<Permissions>][] = [
  ['the scope', outOfScope, {}],
  ['denied commands', denied, { denied_commands: deniedCommands }],
  ['allowed commands', notAllowed, { allowed_commands: allowedCommands }],
];

describe.each(tables)('attempts to get round %s', (_what, groups, rules) => {
  const rows = groups.flatMap(({ why, commands }) => commands.map((command) => [command, why] as const));

  test.each(rows)('%j is denied: %s', (command) => {
    expect(inContainer(command, rules)).toEqual({
      decision: 'deny',
      reason: expect.not.stringMatching('could not be'),
    });
  });

  test.each(rows)('%j is denied where a person would be asked: %s', (command) => {
    expect(inContainer(command, { ...rules, ask_commands: ['*'] }).decision).toBe('deny');
  });
});

test('there are many of them, and none twice', () => {
  for (const [, groups] of tables) {
    const commands = groups.flatMap((group) => group.commands);
    expect(commands.filter((command, at) => commands.indexOf(command) !== at)).toEqual([]);
  }
  expect(tables.flatMap(([, groups]) => groups.flatMap(({ commands }) => commands)).length).toBeGreaterThan(300);
});
