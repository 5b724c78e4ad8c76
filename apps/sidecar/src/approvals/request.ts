import { questionTool } from '@agentcrew/permissions';
import { type ApprovalRequestPayload, questionSchema } from '@agentcrew/protocol';
import { z } from 'zod';

/** What a person is asked about. */
export interface Asked {
  tool: string;
  input: Record<string, unknown>;
  /** Why, in words. */
  reason: string;
  /** So long an answer is waited for. */
  timeoutSeconds: number;
}

/** A person has to see all of what they approve, and the bus takes a mebibyte, in bytes of JSON. */
const largestInput = 256 * 1024;

const questionsSchema = z.array(questionSchema).catch([]);

export function tooLarge(input: Record<string, unknown>): boolean {
  return Buffer.byteLength(JSON.stringify(input)) > largestInput;
}

export function requestPayload(id: string, { tool, input, reason, timeoutSeconds }: Asked): ApprovalRequestPayload {
  const common = {
    approval_id: id,
    tool,
    input,
    expires_at: new Date(Date.now() + timeoutSeconds * 1000).toISOString(),
  };
  if (tool !== questionTool) return { ...common, type: 'tool', reason };
  return { ...common, type: 'question', reason: 'Claude asks', questions: questionsSchema.parse(input.questions) };
}
