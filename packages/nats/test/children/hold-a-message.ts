import { writeSync } from 'node:fs';
import { connectBus } from '../../src/index.ts';

// Takes one message, tells its ack subject, and never settles it: whoever started this kills it.
const bus = await connectBus({ url: String(process.argv[2]), name: 'holder', team: 'red' });
const options = { durable: 'lead', maxAckPending: 1, ackWaitMs: 120_000 };
const never = new Promise<void>(() => {});
await bus.consume(
  options,
  (delivery) => {
    writeSync(1, `${delivery.ackSubject}\n`);
    return never;
  },
  new AbortController().signal,
);
