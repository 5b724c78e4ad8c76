/** The lines of a stream of text, without those that are empty. */
export async function* linesOf(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let partial = '';
  for await (const chunk of chunks) {
    partial += decoder.decode(Buffer.from(chunk), { stream: true });
    const lines = partial.split(/\r?\n/);
    partial = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  if (partial !== '') yield partial;
}
