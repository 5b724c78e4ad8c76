/** A line without an end is cut here. */
export const maxLineLength = 1024 * 1024;

/** The lines of a stream of text, without those that are empty. What is cut off an endless line is the next one. */
export async function* linesOf(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let partial = '';
  for await (const chunk of chunks) {
    partial += decoder.decode(Buffer.from(chunk), { stream: true });
    const lines = partial.split(/\r?\n/);
    partial = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
    if (partial.length <= maxLineLength) continue;
    yield partial;
    partial = '';
  }
  if (partial !== '') yield partial;
}
