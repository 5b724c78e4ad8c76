import type { Duplex } from 'node:stream';
import type { Engine } from './engine.ts';

/**
 * Gives a container its spec through its standard input, which then ends: so it is never seen in an environment, an
 * argument, a file or a log. A container that is not started yet finds it when it is; one that has had its spec takes
 * no other.
 * @param untilTaken ends when the container has read the spec, or is given up
 */
export async function handOver<T>(
  engine: Engine,
  container: string,
  spec: object,
  signal: AbortSignal,
  untilTaken: () => Promise<T>,
): Promise<T> {
  const options = { stream: true, stdin: true, hijack: true, abortSignal: signal };
  const stream = (await engine.streams.getContainer(container).attach(options)) as Duplex;
  // One that has ended takes no more input; whoever waits for it to be ready finds that out.
  stream.on('error', () => undefined);
  stream.end(JSON.stringify(spec));
  try {
    return await untilTaken();
  } finally {
    stream.destroy();
  }
}
