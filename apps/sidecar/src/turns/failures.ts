import type { TurnResult } from '@agentcrew/claude';
import type { EndReason } from './turn-end.ts';

/** Ends of turns that Claude's API, or the CLI, caused; in words for a person. */
export function failureOf(result: TurnResult): EndReason {
  const { apiStatus, text } = result;
  if (apiStatus === 401 || apiStatus === 403 || /not logged in|invalid api key/i.test(text)) {
    return authenticationFailed(text);
  }
  if (apiStatus === 429) {
    return failed('RATE_LIMITED', `Claude's rate limit is reached. Send the message again later. ${said(text)}`);
  }
  if (apiStatus !== undefined && apiStatus >= 500) {
    const name = apiStatus === 529 ? 'overloaded' : 'not available';
    return failed('MODEL_UNAVAILABLE', `Claude is ${name}. Send the message again in a while. ${said(text)}`);
  }
  return failed(
    'TURN_FAILED',
    text.trim() || `The turn ended without an answer (${result.terminalReason ?? 'no reason given'}).`,
  );
}

export function authenticationFailed(detail: string): EndReason {
  const what = 'Claude refused the credential, or there is none.';
  const remedy = 'Set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in the settings and deploy the team again.';
  return failed('AUTHENTICATION_FAILED', `${what} ${remedy} ${said(detail)}`);
}

/** Claude Code ended, or did not start, again and again while it had this message. */
export function tooManyAttempts(attempts: number, lastError: string): EndReason {
  const what = `The work on this message was cut off ${attempts} times because Claude Code or the agent ended, and is given up.`;
  return failed('AGENT_FAILED', `${what} Look at the agent's log, then send the message again. ${said(lastError)}`);
}

function failed(code: EndReason['code'], error: string): EndReason {
  return { status: 'failed', code, error: error.trim() };
}

function said(text: string): string {
  return text.trim() === '' ? '' : `(${text.trim()})`;
}
