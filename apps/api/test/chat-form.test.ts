import { once } from 'node:events';
import { connect } from 'node:net';
import { chatForm } from '@agentcrew/api/plugins/chat-form.ts';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import Fastify from 'fastify';
import { expect, test } from 'vitest';

test('a client that goes away before its form is looked at takes no place', async () => {
  await using folder = await temporaryFolder();
  await using app = Fastify();
  let gone = 0;
  app.addHook('onRequest', async ({ raw, headers }) => {
    if (headers['x-leaves'] === undefined) return;
    await once(raw.socket, 'close');
    gone += 1;
  });
  await app.register(chatForm, { folder: folder.path });
  app.post('/', async () => 'received');
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  const body = '--x\r\ncontent-disposition: form-data; name="message"\r\n\r\na\r\n--x--\r\n';
  const headers = `content-type: multipart/form-data; boundary=x\r\ncontent-length: ${body.length}\r\nx-leaves: yes`;
  for (let count = 1; count <= 8; count += 1) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`, () => socket.destroy());
    await waitFor('it to be gone', () => gone === count);
  }
  const form = new FormData();
  form.append('message', 'a');
  const answer = await fetch(url, { method: 'POST', body: form });
  expect(answer.status).toBe(200);
});
