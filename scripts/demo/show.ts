import { styleText } from 'node:util';
import type { Message, Team } from './client.ts';

const nameWidth = 6;
const wordWidth = 7;

/** A line of the demo itself. */
export function say(text: string): void {
  console.log(text);
}

export function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}`);
}

export function detail(text: string): void {
  console.log(styleText('gray', `  ${text}`));
}

type Style = Parameters<typeof styleText>[0];

/** How each kind of activity is shown; other kinds are nobody's news. */
const kinds: Record<string, { word: string; style: Style }> = {
  tool_use: { word: 'calls', style: 'yellow' },
  tool_result: { word: 'result', style: 'gray' },
  reasoning: { word: 'thinks', style: 'gray' },
  assistant: { word: 'says', style: 'green' },
  error: { word: 'error', style: 'red' },
};

/** One activity of an agent, as it happens. */
export function showActivity({ from_agent, message_type, payload }: Message): void {
  const kind = message_type === 'activity_event' ? kinds[String(payload.event_type)] : undefined;
  if (!kind) return;
  const who = styleText('cyan', from_agent.padEnd(nameWidth));
  console.log(`  ${who} ${styleText(kind.style, kind.word.padEnd(wordWidth))} ${payload.action}`);
}

/** The leader's reply, and what it took. */
export function showReply({ from_agent, payload }: Message, { usage }: Team): void {
  heading(`${from_agent} answers`);
  console.log(indented(String(payload.result ?? payload.error)));
  const seconds = (Number(payload.duration_ms ?? 0) / 1000).toFixed(1);
  const tokens = `${usage.input_tokens} tokens in, ${usage.output_tokens} out`;
  detail(`${seconds} s, ${tokens}, $${usage.cost_usd.toFixed(4)} as the CLI reckons it`);
}

export function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
