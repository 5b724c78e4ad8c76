import { expect, test } from 'vitest';
import { inContainer } from './container.ts';
import { everyday } from './tables/everyday.ts';

test('10,000 typical commands take at most 0.2 ms each', () => {
  const rules = { denied_commands: ['rm -rf /*', 'sudo *', 'git push --force*'] };
  const decideAll = (count: number) => {
    for (let at = 0; at < count; at++) inContainer(everyday[at % everyday.length] ?? '', rules);
  };
  decideAll(1000);
  const rounds = Array.from({ length: 5 }, () => {
    const start = performance.now();
    decideAll(2000);
    return (performance.now() - start) / 2000;
  });
  // The best of five rounds: others may be using the machine.
  expect(Math.min(...rounds)).toBeLessThan(0.2);
});

test('what is made to take long does not', () => {
  const start = performance.now();
  const repeated = (unit: string, around = '') => unit.repeat(60_000 / unit.length) + around;
  for (const unit of [
    'a ',
    'a;',
    'a|',
    '$a',
    '"$a"',
    '{a,b}',
    '*',
    '$((',
    '<<a ',
    "''",
    '\\\n',
    'a=$b ',
    '$(a)',
    'f(){ a;};',
  ])
    inContainer(repeated(unit));
  for (const depth of [50, 90, 5000]) {
    inContainer(`${'$('.repeat(depth)}a${')'.repeat(depth)}`);
    inContainer(`${'for a in b c; do '.repeat(depth)}x=$x$y; cd $a; ${'done;'.repeat(depth)}`);
    inContainer(`${'if a; then '.repeat(depth)}b; ${'fi;'.repeat(depth)}`);
  }
  inContainer(`${'x=$x$x;'.repeat(2000)} echo $x`);
  inContainer(`${'a && '.repeat(5000)} b`);
  inContainer(`awk '${'('.repeat(20_000)}' ${'/ '.repeat(1000)}`);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('a command that is too long is denied', () => {
  expect(inContainer(`echo ${'x'.repeat(65_536)}`)).toMatchObject({ decision: 'deny' });
  expect(inContainer(`echo ${'x'.repeat(60_000)}`)).toEqual({ decision: 'allow' });
});
