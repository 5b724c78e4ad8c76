import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply, ReplyBlock } from './reply.ts';

/** How a stream ends: as it should, cut off in the middle of a message, or never. */
export type StreamEnd = 'complete' | 'drop' | 'hang';

/** Streams a reply as the server-sent events of the Messages API. */
export async function streamReply(
  response: ServerResponse,
  reply: Reply,
  options: { deltaDelayMs: number; end: StreamEnd },
): Promise<void> {
  const send = (event: { type: string; [key: string]: unknown }) =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  send({
    type: 'message_start',
    message: { ...reply, content: [], stop_reason: null, usage: { ...reply.usage, output_tokens: 1 } },
  });
  send({ type: 'ping' });
  for (const [index, block] of reply.content.entries()) {
    send({ type: 'content_block_start', index, content_block: emptied(block) });
    for (const delta of deltas(block)) {
      send({ type: 'content_block_delta', index, delta });
      if (options.deltaDelayMs > 0) await sleep(options.deltaDelayMs);
    }
    if (options.end === 'hang') return;
    if (options.end === 'drop') return drop(response);
    send({ type: 'content_block_stop', index });
  }
  send({
    type: 'message_delta',
    delta: { stop_reason: reply.stop_reason, stop_sequence: null },
    usage: reply.usage,
  });
  send({ type: 'message_stop' });
  response.end();
}

/** Lets what was written go out before the connection is cut. */
function drop(response: ServerResponse): void {
  response.write('\n', () => response.destroy());
}

function emptied(block: ReplyBlock): object {
  if (block.type === 'text') return { ...block, text: '' };
  if (block.type === 'thinking') return { ...block, thinking: '', signature: '' };
  return { ...block, input: {} };
}

function deltas(block: ReplyBlock): object[] {
  if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool_use') {
    return pieces(JSON.stringify(block.input)).map((json) => ({ type: 'input_json_delta', partial_json: json }));
  }
  return [
    ...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: block.signature },
  ];
}

/** Pieces of about four words; a long text comes in no more than about 200. Never cuts a character in two. */
function pieces(text: string): string[] {
  const characters = Array.from(text);
  const size = Math.max(24, Math.ceil(characters.length / 200));
  const count = Math.ceil(characters.length / size);
  return Array.from({ length: count }, (_, index) => characters.slice(index * size, (index + 1) * size).join(''));
}
