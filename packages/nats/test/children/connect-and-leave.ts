import { writeSync } from 'node:fs';
import { connectBus } from '../../src/index.ts';

// Uses everything that holds a timer or a socket, closes it, and is expected to end by itself.
const bus = await connectBus({ url: String(process.argv[2]), name: 'visitor', team: 'red' });
await bus.ensureStream({ maxAgeMs: 3_600_000, maxBytes: 10_000_000 });
const responder = bus.respond('lead', async () => ({ ok: true }));
const stop = new AbortController();
const message = Promise.withResolvers<void>();
const consumed = bus.consume(
  { durable: 'lead', maxAckPending: 8 },
  async (delivery) => {
    await delivery.ack();
    message.resolve();
  },
  stop.signal,
);
await bus.publish('agent', 'lead', {
  message_id: '1',
  from: 'user',
  to: 'lead',
  type: 'user_message',
  payload: { content: 'hello' },
  timestamp: new Date().toISOString(),
});
await message.promise;
await bus.request('lead', { type: 'status' }, 5_000);
stop.abort();
await consumed;
responder[Symbol.dispose]();
await bus[Symbol.asyncDispose]();
writeSync(1, 'closed\n');
