import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { replyIdFor } from '../src/index.ts';

test('the id of a reply never changes: another version must not answer a message a second time', () => {
  expect(replyIdFor('m1')).toBe('ccefe152-6d49-8aee-a562-6e442fa8cd2f');
  expect(replyIdFor('7b0c6cb5-9a1c-4f5e-a1a5-d0b6a6a3a001')).toBe('55d59f23-f84d-8fd1-ab0a-e6ce011621a5');
});

test('it is a UUID of version 8, and 114 of its bits are those of the digest', () => {
  const id = replyIdFor('m1');
  const digest = createHash('sha256').update('reply:m1').digest('hex');
  expect(z.uuid({ version: 'v8' }).safeParse(id).success).toBe(true);
  expect(id.slice(0, 13)).toBe(`${digest.slice(0, 8)}-${digest.slice(8, 12)}`);
});

test('different messages have different replies, and a reply to a reply another one', () => {
  const ids = Array.from({ length: 10_000 }, (_, at) => replyIdFor(`message-${at}`));
  expect(new Set(ids).size).toBe(ids.length);
  expect(replyIdFor(replyIdFor('m1'))).not.toBe(replyIdFor('m1'));
});
