import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Permissions } from '../src/index.ts';
import { inContainer } from './container.ts';
import { allowedCommands, denied, deniedCommands, notAllowed, outOfScope } from './tables/attempts.ts';
import { everyday } from './tables/everyday.ts';

const attempts = outOfScope.flatMap(({ commands }) => commands);
/** Those that stay what they are in the middle of a line: whole commands, without arguments of the script. */
const whole = attempts.filter((command) => !/[\n\r\0#]|^[|)]|[|&<>]\s*$|\$[@*1]/.test(command) && inShell(command));

/** Whether quotes and brackets are closed, as far as the reason tells. */
function inShell(command: string): boolean {
  const decision = inContainer(command);
  return decision.decision === 'deny' && !decision.reason.includes('cannot be parsed');
}

/** A name, `.`, `..`, or nothing. */
const part = fc.constantFrom('a', 'b.txt', 'src', '.', '..', '', '.x', 'workspace', 'etc');
const path = fc
  .tuple(fc.constantFrom('', '/', './', '/workspace/', '/workspace/../', '/tmp/'), fc.array(part, { maxLength: 5 }))
  .map(([start, parts]) => start + parts.join('/'))
  .filter((text) => text !== '' && !text.startsWith('-'));

/** Spellings of the same word. */
const quote = fc.constantFrom<((text: string) => string)[]>(
  (text) => text,
  (text) => `"${text}"`,
  (text) => `'${text}'`,
  (text) => `$'${text}'`,
  (text) => [...text].map((character) => `\\${character}`).join(''),
  (text) => `''${text}""`,
  (text) => `$(echo ${text})`,
  (text) => `{${text},${text}}`,
);

const use = fc.constantFrom<((word: string) => string)[]>(
  (word) => `rm -rf ${word}`,
  (word) => `rm -- ${word}`,
  (word) => `cat ${word}`,
  (word) => `echo x > ${word}`,
  (word) => `cp a ${word}`,
  (word) => `cp ${word} a`,
  (word) => `tee a ${word} < b`,
  (word) => `for f in ${word}; do rm "$f"; done`,
  (word) => (word.startsWith('{') ? `rm ${word}` : `{ x=${word}; rm "$x"; }`),
  (word) => `find ${word} -delete`,
  (word) => `sed -i s/a/b/ ${word}`,
  (word) => `tar xf a.tar -C ${word}`,
  (word) => `{ f() { rm -r ${word}; }; f; }`,
);

/** Lines that run the whole command in one shell; what else they run is harmless. */
const wrap = fc.constantFrom<((command: string) => string)[]>(
  (command) => command,
  (command) => `ls && ${command}`,
  (command) => `ls; ${command}`,
  (command) => `( ${command} )`,
  (command) => `{ ${command}; }`,
  (command) => `echo "$( ${command} )"`,
  (command) => `cat <( ${command} )`,
  (command) => `if true; then ${command}; fi`,
  (command) => `while ${command}; do break; done`,
  (command) => `for other in b; do ${command}; done`,
  (command) => `wrapped() { ${command}; }; wrapped`,
  (command) => `case a in a) ${command};; esac`,
  (command) => `! ${command}`,
  (command) => `ls | ${command}`,
  (command) => `{ ${command}; } | cat`,
  (command) => `cat <<EOF\n$( ${command} )\nEOF`,
  (command) => `cd sub && ls; cd /workspace && ${command}`,
  (command) => `bash -c '${command.replaceAll("'", "'\\''")}'`,
  (command) => `eval '${command.replaceAll("'", "'\\''")}'`,
  (command) => `trap '${command.replaceAll("'", "'\\''")}' EXIT`,
);

const runs = { numRuns: 400 };
const isInside = (text: string) => /^\/(?:workspace|tmp)(?:\/|$)/.test(resolve('/workspace', text));

describe('the scope', () => {
  test('a path passes if, and only if, it lies in the scope', () => {
    fc.assert(
      fc.property(path, quote, use, wrap, (text, quoted, used, wrapped) => {
        const command = wrapped(used(quoted(text)));
        expect([command, inContainer(command).decision]).toEqual([command, isInside(text) ? 'allow' : 'deny']);
      }),
      runs,
    );
  });

  test('what is denied stays denied inside of anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole), wrap, wrap, (command, inner, outer) => {
        const line = outer(inner(command));
        expect([line, inContainer(line).decision]).toEqual([line, 'deny']);
      }),
      runs,
    );
  });

  test('what is denied stays denied beside anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.constantFrom(...everyday), (command, other) => {
        expect(inContainer(`${other}\n${command}`).decision).toBe('deny');
      }),
      runs,
    );
  });
});

describe('deny wins', () => {
  const rows: { command: string; rules: Partial<Permissions> }[] = [
    ...denied
      .flatMap(({ commands }) => commands)
      .map((command) => ({ command, rules: { denied_commands: deniedCommands } })),
    ...notAllowed
      .flatMap(({ commands }) => commands)
      .map((command) => ({ command, rules: { allowed_commands: allowedCommands } })),
  ];
  const globs = fc.array(fc.constantFrom('*', 'ls*', 'rm *', 'git *', 'echo *', 'cat', ''), { maxLength: 4 });

  test('whatever is asked about besides', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rows), globs, globs, ({ command, rules }, ask_commands, more) => {
        const denied_commands = [...(rules.denied_commands ?? []), ...more];
        expect(inContainer(command, { ...rules, denied_commands, ask_commands }).decision).toBe('deny');
      }),
      runs,
    );
  });

  test('over everything that is allowed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyday), globs, (command, ask_commands) => {
        const rules = { allowed_commands: [command, '*'], ask_commands, denied_commands: ['*'] };
        expect(inContainer(command, rules).decision).toBe('deny');
      }),
      runs,
    );
  });

  test('more rules that deny never allow more', () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyday, ...attempts), globs, (command, denied_commands) => {
        if (inContainer(command).decision === 'deny')
          expect(inContainer(command, { denied_commands }).decision).toBe('deny');
      }),
      runs,
    );
  });
});

test('any text at all gets a decision, and one that is about the text', () => {
  const token = fc.constantFrom(
    ...'$ ( ) { } [ ] < > | & ; \\ " \' ` # ! * ? ~ = : , / - + @ % ^ a b x 1 EOF << <<- <<< $( ${ $(( )) [[ ]] if then fi for in do done case esac while function'.split(
      ' ',
    ),
    ' ',
    '\n',
    '\t',
    'rm',
    'cd ..',
    '/etc',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join('')),
  );
  fc.assert(
    fc.property(text, (command) => {
      const decision = inContainer(command);
      if (command === '') return;
      if (decision.decision !== 'allow') expect(decision.reason).not.toContain('could not be judged');
    }),
    { numRuns: 3000 },
  );
});
