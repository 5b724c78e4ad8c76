import { expect, test } from 'vitest';
import { createSecretBox } from '../src/secret-box.ts';

const box = createSecretBox('passphrase');

test.each(['', 'a', 'ünï 🎉', 'enc::AAAA', 'x'.repeat(100_000)])('what was sealed opens again (%#)', (plain) => {
  const sealed = box.seal(plain);
  expect(sealed).toMatch(/^enc::[A-Za-z0-9+/]+=*$/);
  expect(box.open(sealed)).toBe(plain);
});

test('two seals of one text differ', () => {
  expect(box.seal('same')).not.toBe(box.seal('same'));
});

test('a text of the same format made elsewhere opens', () => {
  // SHA-256 of "passphrase" as the key, twelve zero bytes as the nonce, the text "hello".
  expect(box.open('enc::AAAAAAAAAAAAAAAAilPA8BcoR5kdSZWsZSBeLd5h7/zs')).toBe('hello');
});

test('another key, a changed byte and a cut text do not open', () => {
  const sealed = box.seal('secret');
  const bytes = Buffer.from(sealed.slice(5), 'base64');
  bytes[14] = (bytes[14] ?? 0) ^ 1;
  expect(createSecretBox('another').open(sealed)).toBeUndefined();
  expect(box.open(`enc::${bytes.toString('base64')}`)).toBeUndefined();
  expect(box.open(sealed.slice(0, 20))).toBeUndefined();
  expect(box.open('enc::')).toBeUndefined();
  expect(box.open('enc::not base64 at all, but long enough to be one')).toBeUndefined();
});

test('text that was never sealed comes back as it is', () => {
  expect(box.open('plain')).toBe('plain');
});
