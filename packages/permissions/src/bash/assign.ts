import type { Assignment, Word } from 'unbash';
import { refuse } from '../refusal.ts';
import { holdWritten } from '../scope.ts';
import type { Judge } from './judge.ts';
import { isKnown, marks, readable } from './marks.ts';
import { checkIndex } from './parameters.ts';
import { bounded, type State } from './state.ts';
import { textsOf } from './words.ts';

/** Variables that make a shell or a harmless program run or load something, or that change what names mean. */
const dangerous = new RegExp(
  `^(?:${[
    'PATH|IFS|ENV|CDPATH|HOME|PWD|OLDPWD|SHELL|SHELLOPTS|PROMPT_COMMAND|PS[0124]|POSIXLY_CORRECT|GLOBIGNORE|EXECIGNORE',
    'BASH.*|FCEDIT|FUNCNEST|HISTFILE|HISTCMD|INPUTRC|LINENO|MAILCHECK|MAILPATH|OPTIND|RANDOM|SECONDS|SRANDOM',
    'LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|TERMINFO|TERMCAP|HOSTALIASES|GLIBC_TUNABLES',
    'GIT_(?!AUTHOR_|COMMITTER_|MERGE_AUTOEDIT|OPTIONAL_LOCKS|TERMINAL_PROMPT|LFS_SKIP_SMUDGE).*',
    'EDITOR|VISUAL|PAGER|MANPAGER|MANOPT|BROWSER|SYSTEMD_PAGER|DELTA_PAGER|BAT_PAGER|LESS.*|SSH_ASKPASS|SUDO_ASKPASS',
    'SUDO_EDITOR|TAR_OPTIONS|RSYNC_.*|CVS_RSH|SVN_SSH|RIPGREP_CONFIG_PATH|WGETRC|CURL_HOME|NETRC|ZIPOPT|XDG_CONFIG_.*',
    'PERL5OPT|PERL5DB|PERL5LIB|PERLLIB|RUBYOPT|RUBYLIB|PYTHONSTARTUP|PYTHONHOME|PYTHONBREAKPOINT|AWKPATH|AWKLIBPATH',
    'MAKEFILES|(?:npm_config|NPM_CONFIG)_(?:script_shell|shell|node_options|userconfig|globalconfig|git|editor|viewer)',
    '(?:SCRIPT_SHELL|script_shell)|LUA_INIT.*',
  ].join('|')})$`,
);
const pagers = new Set(['', 'cat', 'true', ':', 'less', 'more']);
/** Harmless with these values, and set by everyone. */
const harmlessPrograms =
  /^(?:GIT_PAGER|PAGER|MANPAGER|SYSTEMD_PAGER|GIT_EDITOR|GIT_SEQUENCE_EDITOR|EDITOR|VISUAL|BAT_PAGER|DELTA_PAGER|BROWSER)$/;
const binFolders = /^(?:\/usr\/local\/sbin|\/usr\/local\/bin|\/usr\/sbin|\/usr\/bin|\/sbin|\/bin)$/;
/** What `$PATH` counts as where it was not set. */
export const untouchedPath = '/usr/local/bin:/usr/bin:/bin';
/** Counters of the shell, which take a number. */
const counters = /^(?:OPTIND|SECONDS|RANDOM|LINENO|SRANDOM|HISTCMD)$/;
const nodeOptions =
  /^(?:--(?:max-old-space-size|max-semi-space-size|stack-trace-limit)=\d+|--(?:no-warnings|trace-warnings|no-deprecation|trace-deprecation|experimental-vm-modules|enable-source-maps|experimental-strip-types|openssl-legacy-provider)|\s+)*$/;
/** A text that would run a command when arithmetic, or the index of an array, meets it. */
const trap = /\[[^\]]*(?:\$[({]|`|[<>]\()/;

/** Judges an assignment and makes it. */
export function assign(judge: Judge, state: State, assignment: Assignment): void {
  const { name, value, index, append } = assignment;
  if (index !== undefined) checkIndex(judge, state, name, index);
  const values =
    value.type === 'Word'
      ? textsOf(judge, state, value)
      : value.elements.flatMap((element) => elementTexts(judge, state, element));
  const before = state.variables.get(name) ?? [marks.any];
  if (value.type === 'ArrayValue' || index !== undefined) {
    const elements = value.type === 'ArrayValue' && append !== true ? values : [...before, ...values];
    setVariable(judge, state, name, elements.length === 0 ? [''] : elements.map(several));
  }
  setVariable(judge, state, name, append === true ? appended(before, values) : values);
}

/** Gives a variable its possible values, unless it is one that must not be set. */
export function setVariable(judge: Judge, state: State, name: string, values: readonly string[]): void {
  checkVariable(judge, state, name, values);
  state.variables.set(name, bounded(values));
}

/** Refuses to set variables that make other programs do something else. */
export function checkVariable(judge: Judge, state: State, name: string, values: readonly string[]): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) refuse(`name of a variable that is none: ${readable(name)}`);
  for (const value of values) {
    if (trap.test(value)) refuse(`value with a command in the index of an array: ${readable(value)}`);
    if (dangerous.test(name) && !isHarmless(name, value))
      refuse(
        `variable that changes what commands do: ${name}=${readable(value)}. Leave it, or use an option of the program`,
      );
    if (name === 'NODE_OPTIONS' && !nodeOptions.test(value))
      refuse(`NODE_OPTIONS that can load code: ${readable(value)}`);
    if (name === 'TMPDIR' || name === 'TMP' || name === 'TEMP') holdWritten(judge, state, value);
  }
}

function isHarmless(name: string, value: string): boolean {
  if (name === 'PATH') return keepsPath(value);
  if (counters.test(name)) return value === marks.number || /^\d+$/.test(value);
  if (name === 'ENV') return /^\w*$/.test(value);
  if (name === 'LESS') return /^[-A-Za-z]*$/.test(value) && !/[oOkT]/.test(value);
  return isKnown(value) && harmlessPrograms.test(name) && pagers.has(value);
}

/** Standard folders only, or others behind all those of before: then no name means another program. */
function keepsPath(value: string): boolean {
  return value.startsWith(`${untouchedPath}:`) || value.split(':').every((folder) => binFolders.test(folder));
}

function appended(before: readonly string[], values: readonly string[]): readonly string[] {
  if (before.length * values.length > 16) return [marks.any];
  return before.flatMap((start) => values.map((value) => start + value));
}

function several(value: string): string {
  return value.replaceAll(marks.any, marks.words);
}

/** What an element of an array can be: its text, or that behind `[index]=`. */
export function elementTexts(judge: Judge, state: State, element: Word): readonly string[] {
  return textsOf(judge, state, element).map((text) => text.replace(/^(?:\[[^\]]*\]|\ue005)\+?=/, ''));
}
