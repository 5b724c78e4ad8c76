import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ClaudeEvent, toEvents } from '../src/index.ts';
import { parseObject, readLines } from '../src/lines.ts';
import { toTurnResult } from '../src/turn-result.ts';

const folder = join(import.meta.dirname, 'fixtures');
const recordings = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));

/** Enough of an event to see a change; the lines that are passed through as they are would only make it long. */
function brief(event: ClaudeEvent): object {
  if (event.type === 'other') return { other: event.line.type, subtype: event.line.subtype };
  if (event.type === 'stream') return { stream: event.event.type };
  if (event.type === 'assistant') return { ...event, message: event.message.id };
  return event;
}

test.each(recordings)('%s is read as before', async (name) => {
  const seen: object[] = [];
  for await (const text of readLines(createReadStream(join(folder, name)))) {
    const line = parseObject(text);
    if (!line || '__to_cli' in line) continue;
    const result = toTurnResult(line);
    seen.push(...(result ? [{ result }] : toEvents(line).map(brief)));
  }
  const golden = `${seen.map((event) => JSON.stringify(event)).join('\n')}\n`;
  await expect(golden).toMatchFileSnapshot(join(folder, name.replace('.jsonl', '.golden.txt')));
});
