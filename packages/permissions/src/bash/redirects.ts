import type { Redirection } from 'unbash';
import { holdMentioned } from '../programs/mentioned.ts';
import { refuse } from '../refusal.ts';
import { holdWritten } from '../scope.ts';
import { setVariable } from './assign.ts';
import type { Judge } from './judge.ts';
import { marks, readable } from './marks.ts';
import type { State } from './state.ts';
import { expandWord, partTexts, textsOf } from './words.ts';

/** Judges redirections: each opens a file, most of them to write it. */
export function judgeRedirects(judge: Judge, state: State, redirects: readonly Redirection[]): void {
  for (const redirect of redirects) judgeRedirect(judge, state, redirect);
}

function judgeRedirect(judge: Judge, state: State, redirect: Redirection): void {
  if (redirect.descriptor?.type === 'FileDescriptorVariable')
    setVariable(judge, state, redirect.descriptor.name, [marks.number]);
  if (redirect.type === 'HereDoc') {
    judgeHereDocument(judge, state, redirect);
    return;
  }
  const { target } = redirect;
  if (target === undefined) {
    refuse('redirection without a target');
    return;
  }
  if (redirect.type === 'HereString') {
    // Whoever reads it may take it for the name of a file.
    for (const text of textsOf(judge, state, target)) holdMentioned(judge, state, ['xargs', text.trim()]);
    return;
  }
  const duplicates = redirect.operator === '>&' || redirect.operator === '<&';
  for (const fields of expandWord(judge, state, target))
    for (const path of fields.length === 0 ? [''] : fields)
      if (!(duplicates && /^(?:\d+-?|-|\ue004)$/.test(path))) judgeTarget(judge, state, path);
}

function judgeHereDocument(
  judge: Judge,
  state: State,
  { body, closing, delimiter }: Extract<Redirection, { type: 'HereDoc' }>,
): void {
  if (closing === undefined || delimiter === undefined) refuse('here-document without an end');
  for (const part of body.parts ?? []) partTexts(judge, state, part);
}

function judgeTarget(judge: Judge, state: State, path: string): void {
  if (/^\/dev\/(?:tcp|udp)\b/.test(path)) refuse(`redirection to the network: ${readable(path)}. Use curl`);
  holdWritten(judge, state, path);
}
