import { createHash } from 'node:crypto';

/**
 * The id of the one reply to a message, derived from the message's own id, so that whoever answers (the sidecar, a
 * restarted sidecar, or the server on its behalf) writes the same row: a message cannot be answered twice.
 * Form: a UUID of version 8 (RFC 9562, custom) over SHA-256.
 */
export function replyIdFor(messageId: string): string {
  return uuidOver(`reply:${messageId}`);
}

/**
 * The id of the one message that tells the end of an approval, so that the agent's own and the server's are one row.
 */
export function approvalDecisionId(approvalId: string): string {
  return uuidOver(`approval:${approvalId}`);
}

/**
 * The id of the message that takes back a decision which came too late: nobody waited for it any more.
 */
export function approvalCorrectionId(approvalId: string): string {
  return uuidOver(`approval-correction:${approvalId}`);
}

function uuidOver(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
