import { bytesProblem, parseQuantity } from '@agentcrew/api/kubernetes/quantity.ts';
import { expect, test } from 'vitest';

test.each([
  ['1', 1],
  ['0', 0],
  ['+1.5', 1.5],
  ['1.', 1],
  ['.5', 0.5],
  ['500m', 0.5],
  ['250u', 0.00025],
  ['1n', 1e-9],
  ['1k', 1000],
  ['2M', 2e6],
  ['1E', 1e18],
  ['1E3', 1000],
  ['2e3', 2000],
  ['1e-3', 0.001],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['7Ei', 7 * 2 ** 60],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 12);
});

test.each([
  '',
  ' 1',
  '1 ',
  '-1',
  '1K',
  '1g',
  '1ki',
  '1Kib',
  '1mi',
  'Gi',
  '.',
  '1,5',
  '0x10',
  '1e',
  '1e3M',
  '8Ei',
  '1e99',
])('"%s" is none', (text) => {
  expect(parseQuantity(text)).toBeUndefined();
});

test.each(['512Mi', '1.5Gi', '1G', '536870912'])('%s is a number of bytes', (text) => {
  expect(bytesProblem(text)).toBeUndefined();
});

test.each([
  ['512m', 'write "512Mi"'],
  ['2g', 'such as "512Mi", not "2g"'],
  ['5n', 'such as "512Mi", not "5n"'],
])('%s is not, and it says what to write', (text, hint) => {
  expect(bytesProblem(text)).toContain(hint);
});
