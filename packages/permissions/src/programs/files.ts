import { dirname, isAbsolute } from 'node:path';
import type { Judge } from '../bash/judge.ts';
import type { State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { isOption, takeApart } from './options.ts';
import { judgeBySpec, judgeOptions } from './spec.ts';
import type { Spec } from './tables.ts';

/** Judges `dd`, whose files are `if=` and `of=`. */
export function judgeDd(judge: Judge, state: State, argv: readonly string[]): void {
  for (const arg of argv.slice(1)) {
    if (arg.startsWith('if=')) holdRead(judge, state, arg.slice(3));
    else if (/^[a-z]+=/.test(arg) && !arg.startsWith('of=')) continue;
    else holdWritten(judge, state, arg.startsWith('of=') ? arg.slice(3) : arg.replace(/^--?.*$/, ''));
  }
}

/** Judges the links that `ln` makes, and where they lead: what is written through them later must stay in the scope. */
export function judgeLn(judge: Judge, state: State, argv: readonly string[]): void {
  const { options, operands } = takeApart(argv.slice(1), { values: 't S target-directory suffix' });
  const symbolic = options.some(({ name }) => name === 's' || isOption(name, 'symbolic'));
  const into = options.find(({ name }) => name === 't' || isOption(name, 'target-directory'))?.value;
  const link = into ?? (operands.length > 1 ? (operands.at(-1) ?? '.') : '.');
  const targets = into === undefined && operands.length > 1 ? operands.slice(0, -1) : operands;
  holdWritten(judge, state, link);
  for (const target of targets) {
    if (symbolic && /(?:^|\/)\.\.(?:\/|$)/.test(target)) judge.linksUp = true;
    if (!symbolic || isAbsolute(target)) holdWritten(judge, state, target);
    else for (const folder of [dirname(link), link]) holdWritten(judge, state, `${folder}/${target}`);
  }
}

const tarSpec = {
  reads: 'T X files-from exclude-from',
  writes: 'g C directory listed-incremental index-file one-top-level',
  values:
    'f file b H N V K L exclude transform xform owner group mode mtime strip-components format label suffix newer occurrence warning',
  refuses:
    'F I P to-command checkpoint-action use-compress-program rsh-command info-script new-volume-script rmt-command absolute-names',
};

/** Judges `tar`: its archive, the folder it works in, what it packs. */
export function judgeTar(judge: Judge, state: State, argv: readonly string[]): void {
  const [first = '', ...rest] = argv.slice(1);
  const args = /^[A-Za-z]+$/.test(first) ? oldStyle(first, rest) : [first, ...rest];
  const taken = takeApart(args, { values: [tarSpec.reads, tarSpec.writes, tarSpec.values].join(' ') });
  judgeOptions(judge, state, tarSpec, taken);
  const writes = taken.options.some(
    ({ name }) => /^[cruA]$/.test(name) || /^(?:create|append|update|concatenate|catenate|delete)$/.test(name),
  );
  for (const { name, value } of taken.options)
    if ((name === 'f' || isOption(name, 'file')) && value !== undefined && value !== '-') {
      if (/^[^/]*:/.test(value)) refuse('archive on another machine');
      (writes ? holdWritten : holdRead)(judge, state, value);
    }
  if (
    taken.options.some(({ name }) => name === 'h' || isOption(name, 'dereference')) &&
    writes &&
    judge.scopes.length > 0
  )
    refuse('tar that follows links: leave out -h');
  for (const path of taken.operands) if (writes) holdRead(judge, state, path);
}

/** `tar xzf FILE` means `tar -x -z -f FILE`; values follow in the order of their letters. */
function oldStyle(letters: string, rest: readonly string[]): string[] {
  const args: string[] = [];
  const words = [...rest];
  for (const letter of letters) {
    args.push(`-${letter}`);
    if (/[fbCTXVNgHLK]/.test(letter)) args.push(words.shift() ?? '');
  }
  return [...args, ...words];
}

const rsyncSpec = {
  values: 'f B M filter exclude include max-size min-size bwlimit timeout port chmod chown out-format info debug',
  reads: 'files-from exclude-from include-from password-file link-dest compare-dest copy-dest',
  writes: 'T log-file backup-dir temp-dir partial-dir write-batch',
  refuses: 'e rsh rsync-path daemon config read-batch only-write-batch',
};

const scpSpec = { values: 'c i J l P X', refuses: 'S D o F' };

/** Judges `rsync` and `scp`: all but the last operand are read, the last is written, save on other machines. */
export function judgeRsync(judge: Judge, state: State, argv: readonly string[]): void {
  const spec: Omit<Spec, 'operands'> = argv[0] === 'scp' ? scpSpec : rsyncSpec;
  const taken = takeApart(argv.slice(1), { values: [spec.values, spec.reads, spec.writes].filter(Boolean).join(' ') });
  judgeOptions(judge, state, spec, taken);
  const local = (path: string) => !/^[^/]*:/.test(path);
  for (const path of taken.operands.slice(0, -1)) if (local(path)) holdRead(judge, state, path);
  for (const path of taken.operands.slice(-1)) if (local(path)) holdWritten(judge, state, path);
}

/** Judges `jq`: its filter is no path, and its options with a name take a value behind it. */
export function judgeJq(judge: Judge, state: State, argv: readonly string[]): void {
  const rest: string[] = [];
  for (let at = 1; at < argv.length; at++) {
    const arg = argv[at] ?? '';
    const named = /^--(?:arg|argjson|slurpfile|rawfile)$/.test(arg);
    if (named && arg.endsWith('file')) holdRead(judge, state, argv[at + 2] ?? '');
    if (named) at += 2;
    else rest.push(arg);
  }
  judgeBySpec(
    judge,
    state,
    { operands: 'pattern', values: 'indent', reads: 'f from-file L', instead: 'f from-file' },
    rest,
  );
}

const opensslWrites = /^-(?:out|keyout|writerand|CAserial|outdir)$/;

/** Judges `openssl`, whose options have one dash. */
export function judgeOpenssl(judge: Judge, state: State, argv: readonly string[]): void {
  if (argv.some((arg) => /^-(?:engine|provider|provider-path)$/.test(arg))) refuse('openssl with code to load');
  argv.forEach((arg, at) => {
    if (opensslWrites.test(argv[at - 1] ?? '')) holdWritten(judge, state, arg);
    else if (at > 0 && !arg.startsWith('-') && !arg.startsWith('/CN') && !arg.includes('='))
      holdRead(judge, state, arg);
  });
}
