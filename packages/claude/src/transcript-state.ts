import { createReadStream } from 'node:fs';
import { isObject, parseObject, readLines } from './lines.ts';
import { findTranscript } from './session-file.ts';

/**
 * What a session's transcript knows of a turn: nothing, that it began, or Claude's final answer to it.
 */
export type TranscriptState = 'absent' | 'started' | { finished: string };

/**
 * Tells after a crash how far the turn of the user message `uuid` came, so that an answered turn is not run again and
 * one that began is not begun twice. The answer of a turn counts once the model ended it and its text was recorded;
 * the CLI records a turn's answer before it prints the result, and the user's message before it calls the model.
 */
export async function transcriptState(configDir: string, sessionId: string, uuid: string): Promise<TranscriptState> {
  const transcript = await findTranscript(configDir, sessionId);
  if (!transcript) return 'absent';
  let prompt: unknown;
  let began = false;
  let answer: string | undefined;
  for await (const text of readLines(createReadStream(transcript))) {
    if (!began && !text.includes(uuid)) continue;
    const line = parseObject(text);
    if (!line || line.isSidechain === true) continue;
    if (!began) {
      began = line.type === 'user' && line.uuid === uuid;
      prompt = line.promptId;
    } else if (isOtherPrompt(line, prompt)) {
      break;
    } else {
      answer = finalText(line) ?? answer;
    }
  }
  if (!began) return 'absent';
  return answer === undefined ? 'started' : { finished: answer };
}

/** Tool results carry the id of the prompt they belong to; summaries of a compaction belong to none. */
function isOtherPrompt(line: Record<string, unknown>, prompt: unknown): boolean {
  const isPrompt = line.type === 'user' && line.isMeta !== true && line.isCompactSummary !== true;
  return isPrompt && line.promptId !== prompt;
}

/** The text of an assistant line with which the model ended the turn. What the CLI says in its stead has another stop reason. */
function finalText(line: Record<string, unknown>): string | undefined {
  if (line.type !== 'assistant' || !isObject(line.message)) return undefined;
  const { stop_reason: stopReason, content } = line.message;
  if (stopReason !== 'end_turn' || !Array.isArray(content)) return undefined;
  const block: unknown = content.findLast((part) => isObject(part) && part.type === 'text');
  return isObject(block) && typeof block.text === 'string' ? block.text : undefined;
}
