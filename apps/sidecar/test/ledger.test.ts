import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Ledger, type TurnRecord } from '../src/ledger.ts';
import { message } from './fakes.ts';

const record: TurnRecord = {
  message_id: 'm1',
  uuids: ['u1', 'u2'],
  session_id: 's1',
  attempt: 2,
  ack_subject: 'ack.1',
  started_at: '2026-01-01T00:00:00.000Z',
};

test('a later process reads the turn in work, until it is cleared', async () => {
  await using folder = await temporaryFolder();
  const end = { status: 'interrupted', code: 'TURN_INTERRUPTED', error: 'stopped' } as const;
  new Ledger(folder.path).saveTurn({ ...record, end });
  const later = new Ledger(folder.path);
  expect(later.turn()).toEqual({ ...record, end });
  later.clearTurn('another');
  expect(later.turn()).toBeDefined();
  later.clearTurn('m1');
  expect(new Ledger(folder.path).turn()).toBeUndefined();
});

test('a torn file counts as no turn', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'turn.json'), '{"message_id":"m');
  expect(new Ledger(folder.path).turn()).toBeUndefined();
});

test('replies are found again by a later process, whatever the id of the message', async () => {
  await using folder = await temporaryFolder();
  const id = '../../etc/passwd ☃';
  new Ledger(folder.path).saveReply(id, message('r1'));
  expect(new Ledger(folder.path).reply(id)?.message_id).toBe('r1');
  expect(new Ledger(folder.path).reply('other')).toBeUndefined();
});

test('only the newest hundred replies are kept', async () => {
  await using folder = await temporaryFolder();
  const ledger = new Ledger(folder.path);
  for (let index = 0; index < 130; index += 1) ledger.saveReply(`m${index}`, message(`r${index}`));
  expect(await readdir(join(folder.path, 'replies'))).toHaveLength(100);
  expect(ledger.reply('m29')).toBeUndefined();
  expect(ledger.reply('m30')?.message_id).toBe('r30');
  const later = new Ledger(folder.path);
  later.saveReply('m130', message('r130'));
  expect(await readdir(join(folder.path, 'replies'))).toHaveLength(100);
  expect(later.reply('m129')?.message_id).toBe('r129');
});
