import type { Judge } from '../bash/judge.ts';
import { isKnown, isOpen, readable } from '../bash/marks.ts';
import { copyOf, type State } from '../bash/state.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { holdMentioned } from './mentioned.ts';
import { runText, runWords } from './shells.ts';

/** Settings that run nothing and read no files. Others do, or may in the next version of git. */
const settings =
  /^(?:user\.(?:name|email)|color\..*|column\..*|advice\..*|core\.(?:quotepath|autocrlf|eol|safecrlf|filemode|ignorecase|longpaths|symlinks|abbrev|whitespace|precomposeunicode|compression)|commit\.(?:gpgsign|verbose|status)|tag\.(?:gpgsign|sort)|init\.defaultbranch|safe\.directory|http\.(?:sslverify|postbuffer|lowspeedlimit|lowspeedtime|version|extraheader)|pull\.(?:rebase|ff)|push\.(?:default|autosetupremote|followtags)|rebase\.(?:autostash|autosquash|updaterefs)|merge\.(?:conflictstyle|ff|renamelimit|stat|log)|diff\.(?:algorithm|renames|renamelimit|colormoved|noprefix|mnemonicprefix|context)|log\.(?:date|decorate|follow|showsignature)|gc\.(?:auto|autodetach)|protocol\.version|fetch\.(?:prune|parallel|prunetags)|branch\..*\.(?:remote|merge|rebase|description)|branch\.(?:sort|autosetuprebase|autosetupmerge)|remote\.[^.]*\.(?:url|fetch|pushurl)|rerere\.(?:enabled|autoupdate)|status\..*|stash\..*|versionsort\..*|index\..*|feature\..*|pack\..*|maintenance\.(?:auto)|help\.autocorrect|submodule\.recurse|lfs\.(?:url|locksverify)|extensions\.worktreeconfig|format\.pretty)$/i;
const subcommands = new Set(
  (
    'add am annotate apply archive bisect blame branch bundle cat-file check-attr check-ignore check-mailmap check-ref-format ' +
    'checkout checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree config count-objects describe ' +
    'diff diff-files diff-index diff-tree fetch fmt-merge-msg for-each-ref format-patch fsck gc grep hash-object index-pack init ' +
    'interpret-trailers lfs log ls-files ls-remote ls-tree mailinfo mailsplit maintenance merge merge-base merge-file merge-index merge-tree mktag ' +
    'mktree multi-pack-index mv name-rev notes pack-objects pack-refs patch-id prune pull push range-diff read-tree rebase reflog ' +
    'remote repack replace request-pull rerere reset restore rev-list rev-parse revert rm shortlog show show-branch show-index ' +
    'show-ref sparse-checkout stage stash status stripspace submodule switch symbolic-ref tag unpack-objects update-index ' +
    'update-ref var verify-commit verify-pack verify-tag version whatchanged worktree write-tree'
  ).split(' '),
);
const runsSomething =
  /^--(?:upload-pack|receive-pack|exec|ext-diff|open-files-in-pager|unsafe-paths|exec-path|tool|extcmd|config-env|template)(?:=|$)/;

/** Judges a call of git: where it works, what it is told to run, what it writes outside of a repository. */
export function judgeGit(judge: Judge, state: State, args: readonly string[]): void {
  const inner = copyOf(state);
  const rest = behindGlobals(judge, inner, args);
  const [name, ...words] = rest;
  if (name === undefined || /^--(?:version|help|html-path|man-path|info-path)$/.test(name) || name === '-v') return;
  if (!isKnown(name)) refuse(`subcommand of git that cannot be resolved: ${readable(name)}`);
  if (!subcommands.has(name))
    refuse(`git ${name}: an alias, or a subcommand that runs other programs. Use the plain subcommand`);
  judgeWords(judge, inner, name, words);
}

/** The call without the options in front of the subcommand, as rules spell it. */
export function gitSpelling(argv: readonly string[]): (readonly string[])[] {
  const [name, ...args] = argv;
  if (name !== 'git') return [];
  let at = 0;
  while (args[at]?.startsWith('-') === true) at += takesValue(args[at] ?? '') ? 2 : 1;
  return at === 0 ? [] : [['git', ...args.slice(at)]];
}

function takesValue(option: string): boolean {
  return /^(?:-C|-c|--git-dir|--work-tree|--namespace|--super-prefix|--config-env|--attr-source)$/.test(option);
}

function behindGlobals(judge: Judge, state: State, args: readonly string[]): readonly string[] {
  let at = 0;
  for (; args[at]?.startsWith('-') === true && !/^(?:--version|--help|-v)$/.test(args[at] ?? ''); at++) {
    const option = args[at] ?? '';
    const equals = option.startsWith('--') ? option.indexOf('=') : -1;
    const name = equals < 0 ? option : option.slice(0, equals);
    const value = equals < 0 ? (args[at + 1] ?? '') : option.slice(equals + 1);
    judgeGlobal(judge, state, name, value);
    if (equals < 0 && takesValue(name)) at++;
  }
  return args.slice(at);
}

function judgeGlobal(judge: Judge, state: State, name: string, value: string): void {
  if (name === '-C') {
    holdWritten(judge, state, value);
    state.folders = state.folders?.map((from) => (value.startsWith('/') ? value : `${from}/${value}`));
  } else if (name === '--git-dir' || name === '--work-tree') holdWritten(judge, state, value);
  else if (name === '-c') judgeSetting(value);
  else if (
    !/^(?:--no-pager|-P|-p|--paginate|--bare|--no-replace-objects|--literal-pathspecs|--glob-pathspecs|--no-optional-locks|--no-lazy-fetch)$/.test(
      name,
    )
  )
    refuse(`option of git that can run or load something: ${readable(name)}`);
}

function judgeSetting(setting: string): void {
  const [key = ''] = setting.split('=');
  const value = setting.slice(key.length + 1);
  if (/^(?:core\.pager|pager\.\w+)$/i.test(key) && /^(?:cat|less|false)?$/.test(value)) return;
  if (/^core\.editor$/i.test(key) && /^(?:true|:|cat)$/.test(value)) return;
  if (!settings.test(key) || !isKnown(key)) refuse(`git setting that can run something: ${shown(readable(key))}`);
  judgeAddress(value);
}

function judgeAddress(word: string): void {
  if (/^(?:--[\w-]+=)?[a-z][\w+.-]*::/i.test(word)) refuse(`git address that runs a program: ${shown(readable(word))}`);
}

function judgeWords(judge: Judge, state: State, name: string, words: readonly string[]): void {
  if (name === 'config') {
    judgeConfig(judge, state, words);
    return;
  }
  if (name === 'bisect' && words[0] === 'run') {
    runWords(judge, state, words.slice(1));
    return;
  }
  if (name === 'submodule') {
    judgeSubmodule(judge, state, words);
    return;
  }
  for (const [at, word] of words.entries()) judgeWord(judge, state, name, word, words[at + 1]);
  const operands = words.filter((word) => !word.startsWith('-'));
  if (name === 'clone') judgeClone(judge, state, words);
  if (name === 'init') for (const path of operands.slice(-1)) holdWritten(judge, state, path);
  if (name === 'worktree' && /^(?:add|move)$/.test(operands[0] ?? ''))
    for (const path of operands.slice(1, operands[0] === 'add' ? 2 : 3)) holdWritten(judge, state, path);
  if (name === 'bundle' && operands[0] === 'create') holdWritten(judge, state, operands[1] ?? '');
  if (!/^(?:commit|tag|notes|stash|log|rev-list|shortlog|merge)$/.test(name))
    holdMentioned(judge, state, ['git', ...words]);
  if (
    name === 'merge-index' ||
    (name === 'lfs' &&
      !/^(?:pull|push|fetch|ls-files|status|track|untrack|install|env|checkout|prune)$/.test(operands[0] ?? ''))
  )
    refuse(`git ${name}: runs a program`);
}

function judgeWord(judge: Judge, state: State, name: string, word: string, next: string | undefined): void {
  if (runsSomething.test(word) && !(word.startsWith('--exec') && name === 'rebase'))
    refuse(`option of git that can run or load something: ${shown(readable(word))}`);
  if (name === 'grep' && /^-[a-zA-Z]*O/.test(word)) refuse('git grep -O: opens a pager');
  if (name === 'rebase' && (word === '-x' || word === '--exec')) runText(judge, copyOf(state), next ?? '');
  else if (name === 'rebase' && /^(?:-x.|--exec=)/.test(word))
    runText(judge, copyOf(state), word.replace(/^(?:-x|--exec=)/, ''));
  if (/^--(?:output|output-directory)$/.test(word) || (word === '-o' && /^(?:archive|format-patch|bundle)$/.test(name)))
    holdWritten(judge, state, next ?? '');
  const value = /^(?:--output=|--output-directory=|-o(?=[^-]))(.*)$/s.exec(word)?.[1];
  if (value !== undefined && (word.startsWith('--') || /^(?:archive|format-patch)$/.test(name)))
    holdWritten(judge, state, value);
  const file = /^(?:--file=|--pathspec-from-file=|--exclude-from=|--reference=|--separate-git-dir=|-F(?=.))(.*)$/s.exec(
    word,
  )?.[1];
  if (file !== undefined && file !== '-') holdRead(judge, state, file);
  if (
    /^(?:-F|--file|--pathspec-from-file|--separate-git-dir|--reference)$/.test(word) &&
    /^(?:commit|tag|merge|notes|add|clone|init)$/.test(name) &&
    next !== '-'
  )
    holdRead(judge, state, next ?? '');
  judgeAddress(word);
}

/** `git clone ADDRESS [FOLDER]`. */
function judgeClone(judge: Judge, state: State, words: readonly string[]): void {
  const operands: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (/^(?:-u|-c|--config)/.test(word)) {
      if (word.startsWith('-u')) refuse('git clone -u: runs a program');
      judgeSetting(/^(?:-c|--config)$/.test(word) ? (words[++at] ?? '') : word.replace(/^(?:-c|--config=)/, ''));
    } else if (
      /^(?:-b|-o|-j|--branch|--depth|--origin|--filter|--jobs|--shallow-since|--shallow-exclude|--reference|--separate-git-dir|--server-option|--bundle-uri)$/.test(
        word,
      )
    )
      at++;
    else if (!word.startsWith('-')) operands.push(word);
  }
  const [address = '', folder] = operands;
  if (!/^[\w+.-]+:\/\/|^[^/]*:/.test(address)) holdRead(judge, state, address.replace(/^file:\/\//, ''));
  if (address.startsWith('file://')) holdRead(judge, state, address.slice(7));
  if (folder !== undefined) holdWritten(judge, state, folder);
}

function judgeConfig(judge: Judge, state: State, words: readonly string[]): void {
  const at = words.findIndex((word) => word === '-f' || word === '--file');
  if (at >= 0) holdWritten(judge, state, words[at + 1] ?? '');
  for (const word of words) if (word.startsWith('--file=')) holdWritten(judge, state, word.slice(7));
  if (words.some((word) => /^(?:-e|--edit|edit)$/.test(word))) refuse('git config --edit: opens an editor');
  const operands = words.filter((word, index) => !word.startsWith('-') && (at < 0 || index !== at + 1));
  if (
    /^(?:get|list|unset|remove-section|get-regexp)$/.test(operands[0] ?? '') ||
    words.some((word) => /^(?:--get|--list|-l$|--unset|--remove-section)/.test(word))
  )
    return;
  const [key = '', value] = operands[0] === 'set' ? operands.slice(1) : operands;
  if (value === undefined && operands.length < 2 && !isOpen(key)) return;
  if (operands[0] === 'rename-section' || words.includes('--rename-section')) refuse('git config --rename-section');
  judgeSetting(`${key}=${value ?? ''}`);
}

function judgeSubmodule(judge: Judge, state: State, words: readonly string[]): void {
  const at = words.indexOf('foreach');
  if (at >= 0) {
    const rest = words.slice(at + 1).filter((word, index) => !(index === 0 && /^--(?:recursive|quiet)$/.test(word)));
    const [only = ''] = rest;
    const inner: State = { ...copyOf(state), folders: undefined };
    if (rest.length === 1) return void runText(judge, inner, only);
    runWords(judge, inner, rest);
  }
  for (const word of words) judgeAddress(word);
  holdMentioned(judge, state, ['git', ...words]);
}
