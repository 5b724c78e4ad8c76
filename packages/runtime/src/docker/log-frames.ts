const headerBytes = 8;

/** One piece of output as the engine keeps it: a line, or a part of one that is longer than 16 KiB. */
export interface LogEntry {
  stream: 'stdout' | 'stderr';
  text: string;
}

/**
 * Takes apart the engine's multiplexed output: each entry comes after 8 bytes that tell the stream (2 is standard
 * error) and the length.
 */
export async function* logEntries(chunks: AsyncIterable<Buffer | string> | Iterable<Buffer>): AsyncGenerator<LogEntry> {
  let data = Buffer.alloc(0);
  for await (const chunk of chunks) {
    data = Buffer.concat([data, Buffer.from(chunk)]);
    while (data.length >= headerBytes) {
      const end = headerBytes + data.readUInt32BE(4);
      if (data.length < end) break;
      yield { stream: data[0] === 2 ? 'stderr' : 'stdout', text: data.toString('utf8', headerBytes, end) };
      data = data.subarray(end);
    }
  }
}
