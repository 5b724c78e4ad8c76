/** What a port-forward carries in one connection: the data and, once, why it ends. Messages begin with the channel's number. */
const channels = { data: 0, error: 1 } as const;
/** The first message of each channel goes on with the port's number. */
const portBytes = 2;

const dataPrefix = Buffer.of(channels.data);

/** Messages to a pod out of what its client sends. */
export async function* toPod(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.concat([dataPrefix, chunk]);
}

/** What a pod sends out of its messages. Throws what the node tells of a port that it cannot reach. */
export async function* fromPod(messages: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const begun = new Set<number | undefined>();
  for await (const message of messages) {
    const [channel] = message;
    const content = message.subarray(begun.has(channel) ? 1 : 1 + portBytes);
    begun.add(channel);
    if (content.length === 0) continue;
    if (channel === channels.error) throw new Error(content.toString('utf8').trim());
    yield content;
  }
}
