import type { Judge } from '../bash/judge.ts';
import type { State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { isOption, takeApart } from './options.ts';
import { judgeOptions } from './spec.ts';

const curlSpec = {
  writes: 'o output D dump-header c cookie-jar trace trace-ascii stderr libcurl etag-save hsts alt-svc output-dir',
  reads:
    'T upload-file E cert key cacert capath netrc-file etag-compare crlfile proxy-cacert proxy-cert proxy-key unix-socket abstract-unix-socket pubkey',
  refuses: 'K config engine',
  values:
    'X request H header A user-agent e referer u user m max-time x proxy r range C continue-at retry retry-delay connect-timeout resolve w write-out b cookie d data data-raw data-binary data-urlencode data-ascii json F form form-string url max-redirs limit-rate interface Y y z Q P t U variable url-query proto proto-default ciphers tls-max connect-to noproxy aws-sigv4 oauth2-bearer speed-time speed-limit parallel-max keepalive-time retry-max-time max-filesize expand-url expand-data',
};
const takesFile = [
  'd',
  'data',
  'data-binary',
  'data-urlencode',
  'data-ascii',
  'json',
  'F',
  'form',
  'H',
  'header',
  'w',
  'write-out',
  'b',
  'cookie',
  'url-query',
  'proxy-header',
  'variable',
  'url',
];

/** Judges the files that `curl` sends and writes. */
export function judgeCurl(judge: Judge, state: State, argv: readonly string[]): void {
  const taken = takeApart(argv.slice(1), {
    values: [curlSpec.writes, curlSpec.reads, curlSpec.refuses, curlSpec.values].join(' '),
  });
  judgeOptions(judge, state, curlSpec, taken);
  const folder = taken.options.find(({ name }) => name === 'output-dir')?.value;
  for (const { name, value = '' } of taken.options) {
    if ((name === 'o' || name === 'output') && folder !== undefined) holdWritten(judge, state, `${folder}/${value}`);
    if ((name === 'o' || name === 'output') && /#\d/.test(value))
      refuse('curl -o with a part of the address in the name of the file');
    if ((name === 'w' || name === 'write-out') && /%output/.test(value)) refuse('curl -w with a file to write');
    if (name === 'F' || isOption(name, 'form'))
      for (const file of value.split(',').slice(1)) holdRead(judge, state, file.replace(/^@/, ''));
    if (takesFile.some((option) => isOption(name, option))) holdMentionedFile(judge, state, name, value);
  }
  for (const address of taken.operands) holdAddress(judge, state, address);
}

/** Values like `@FILE`, `name=@FILE;type=…`, `name=<FILE`; `-b FILE` without `=`. */
function holdMentionedFile(judge: Judge, state: State, name: string, value: string): void {
  if (name === 'url') {
    holdAddress(judge, state, value);
    return;
  }
  const file =
    /(?:^|=|@|,)[@<]([^;,]*)/.exec(value)?.[1] ??
    /^[\w.-]*@(.+)$/s.exec(name === 'data-urlencode' || name === 'variable' ? value : '')?.[1];
  if (file !== undefined && file !== '-') holdRead(judge, state, file.replace(/^"|"$/g, ''));
  if ((name === 'b' || name === 'cookie') && !value.includes('=')) holdRead(judge, state, value);
}

function holdAddress(judge: Judge, state: State, address: string): void {
  if (/^[{[]*f[^:]*i[^:]*l[^:]*e[^:]*:/i.test(address)) {
    const path = address.replace(/^[^:]*:(?:\/\/[^/]*)?/, '');
    holdRead(judge, state, path.includes('%') || /[{}[\]]/.test(path) ? '/' : path);
  }
}

const wgetSpec = {
  writes:
    'O P o a output-document directory-prefix output-file append-output save-cookies warc-file rejected-log hsts-file',
  reads: 'i input-file load-cookies post-file body-file ca-certificate certificate private-key',
  refuses: 'e execute use-askpass config',
  values:
    'U T t w Q A R D l user-agent header timeout tries wait post-data body-data method user password level accept reject limit-rate B base',
};

/** Judges the files that `wget` sends and writes. */
export function judgeWget(judge: Judge, state: State, argv: readonly string[]): void {
  judgeOptions(
    judge,
    state,
    wgetSpec,
    takeApart(argv.slice(1), { values: [wgetSpec.writes, wgetSpec.reads, wgetSpec.values].join(' ') }),
  );
  holdWritten(judge, state, '.');
}
