import { safeName, uploadName } from '@agentcrew/api/crew/upload-name.ts';
import { expect, test } from 'vitest';

test.each([
  ['report.pdf', 'report.pdf'],
  ['../../../etc/passwd', 'passwd'],
  ['file with spaces.pdf', 'file_with_spaces.pdf'],
  ['résumé.pdf', 'r_sum_.pdf'],
  ['', 'upload'],
  ['.', 'upload'],
  ['..', 'upload'],
  ['/', 'upload'],
  ['a/', 'upload'],
  ['___', 'upload'],
  ['大きさ', 'upload'],
  ['👩‍👩‍👧.png', 'png'],
  ['.env', 'env'],
  ['a__b___c', 'a_b_c'],
  ['_.a._', 'a'],
  ['a\0b.txt', 'ab.txt'],
  ['-rf', '-rf'],
  ['C:\\Users\\me\\a.txt', 'C_Users_me_a.txt'],
  ['$(rm -rf ~); "x" \'y\'\n.sh', 'rm_-rf_x_y_.sh'],
  ['archive.tar.gz', 'archive.tar.gz'],
  [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(251)}.pdf`],
  ['y'.repeat(256), 'y'.repeat(255)],
  [`a.${'z'.repeat(300)}`, `a.${'z'.repeat(253)}`],
])('%j is kept as %s', (name, safe) => {
  expect(safeName(name)).toBe(safe);
});

test('the name in the workspace begins with the time, and has room for a number', () => {
  const at = new Date('2026-01-31T12:00:00.999Z');
  expect(uploadName('a b.txt', at)).toBe('1769860800_a_b.txt');
  expect(uploadName(`${'x'.repeat(300)}.pdf`, at)).toBe(`1769860800_${'x'.repeat(225)}.pdf`);
  expect(uploadName('-rf', at)).toBe('1769860800_-rf');
});
