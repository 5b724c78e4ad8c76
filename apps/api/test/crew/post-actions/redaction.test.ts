import { createRedaction } from '@agentcrew/api/crew/post-actions/redaction.ts';
import { describe, expect, test } from 'vitest';

const secret = 'pä"ss\\w/ö+r&d 1';
const { clean, beginning } = createRedaction([secret]);
const ascii = (json: string) =>
  json.replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
const json = JSON.stringify(secret);

describe('a secret is taken out of', () => {
  test.each([
    ['text', secret],
    ['JSON', json.slice(1, -1)],
    ['JSON in ASCII', ascii(json).slice(1, -1)],
    ['JSON in ASCII, in capitals', ascii(json).slice(1, -1).replaceAll('\\u00e4', '\\u00E4')],
    ['JSON that escapes more', json.slice(1, -1).replace('/', '\\/').replace('&', '\\u0026').replace('\\"', '\\u0022')],
    ['JSON in JSON', JSON.stringify(json.slice(1, -1)).slice(1, -1)],
    ['a URL', encodeURIComponent(secret)],
    ['a URL with small letters', encodeURIComponent(secret).toLowerCase()],
    ['a URL that keeps slashes', encodeURIComponent(secret).replace('%2F', '/')],
    ['a form', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['HTML', secret.replace('&', '&amp;').replace('"', '&quot;').replace('ä', '&#228;').replace('ö', '&#xF6;')],
    ['UTF-8 that was read as Latin-1', Buffer.from(secret).toString('latin1')],
    ['JSON of that', JSON.stringify(Buffer.from(secret).toString('latin1')).slice(1, -1)],
  ])('%s', (_what, written) => {
    expect(clean(`{"a": "${written}", "b": "${written}"}`)).toBe('{"a": "[redacted]", "b": "[redacted]"}');
  });
});

test('texts without a secret stay as they are', () => {
  for (const text of ['', 'thanks', '100 % \\ \\u00e4 %zz %C3 &amp; &nope; a+b', secret.slice(1)]) {
    expect(clean(text)).toBe(text);
    expect(createRedaction([]).clean(text)).toBe(text);
  }
});

test.each([
  ['four characters are taken out, three stay', ['abcd', 'xyz', ''], 'abcd xyz', '[redacted] xyz'],
  ['several are taken out', ['first', 'other'], 'first, other, first', '[redacted], [redacted], [redacted]'],
  ['one within another goes with it', ['inside', 'it is inside here'], 'it is inside here', '[redacted]'],
  ['those that overlap leave nothing', ['abcdef', 'defghi'], '-abcdefghi-', '-[redacted]-'],
  ['repetitions leave nothing', ['aaaa'], '-aaaaaaa-', '-[redacted]-'],
  ['one that is in the replacement does not replace it', ['redacted', 'other'], 'other', '[redacted]'],
])('%s', (_what, secrets, text, expected) => {
  expect(createRedaction(secrets).clean(text)).toBe(expected);
});

describe('at a cut', () => {
  const written = encodeURIComponent(secret);

  test.each(Array.from({ length: written.length + 2 }, (_, at) => at))('%i nothing of a secret is left', (at) => {
    const kept = 10 + at;
    const whole = `0123456789${written}${'-'.repeat(50)}`;
    const left = at > written.length ? '-' : '';
    expect(beginning(whole, kept)).toBe(`0123456789${at === 0 ? '' : '[redacted]'}${left}`);
  });

  test('a text that ends within a secret shows nothing of it', () => {
    const long = Array.from({ length: 50_000 }, (_, at) => at % 10).join('');
    const { beginning, margin } = createRedaction([`key-${long}`]);
    expect(beginning(`is key-${long} indeed`, 100)).toBe('is [redacted]');
    const escaped = [...`key-${long}`].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');
    for (const more of [0, 1, 2]) {
      const before = `is ${'-'.repeat(more)}`;
      expect(beginning(`${before}${escaped} indeed`, 100)).toBe(`${before}[redacted]`);
      expect(beginning(`${before}${escaped}`.slice(0, 100 + margin), 100)).toBe(`${before}[redacted]`);
    }
  });

  test('a text is shortened in front of secrets, however they overlap', () => {
    const { cut } = createRedaction(['abcdef', 'defghi']);
    expect([4, 8, 10, 11, 50].map((longest) => cut('-abcdefghi-', longest))).toEqual([
      '-',
      '-',
      '-abcdefghi',
      '-abcdefghi-',
      '-abcdefghi-',
    ]);
  });

  test('the beginning of a secret that is only a word of the text stays', () => {
    expect(createRedaction(['okay-secret']).clean('it is okay')).toBe('it is okay');
  });
});
