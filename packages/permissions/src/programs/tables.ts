/** What a program does with its operands. */
type Operands =
  | 'none'
  | 'read'
  | 'write'
  /** Reads all but the last, which it writes. */
  | 'copy'
  /** Reads the first, writes the second. */
  | 'convert'
  /** The first is no path, unless an option gave it already; it reads the others. */
  | 'pattern'
  /** The first is no path; it writes the others. */
  | 'mode';

export interface Spec {
  operands: Operands;
  /** Options whose values are files that are read. Letters and long names. */
  reads?: string;
  /** Options whose values are files or folders that are written. */
  writes?: string;
  /** Options that take another kind of value. */
  values?: string;
  /** Options by which the program runs others, or opens what cannot be told. */
  refuses?: string;
  /** Options that give what is otherwise the first operand. */
  instead?: string;
  /** Without an operand it reads the current folder. */
  here?: boolean;
}

const reader: Spec = { operands: 'read' };
const counted: Spec = { operands: 'read', values: 'n c lines bytes s sleep-interval pid' };
const search: Spec = {
  operands: 'pattern',
  values: 'e A B C m d D regexp after-context before-context context max-count include exclude exclude-dir',
  reads: 'f file exclude-from',
  instead: 'e regexp f file',
};
const ripgrep: Spec = {
  operands: 'pattern',
  values:
    'e A B C m g r t T j M E d regexp after-context before-context context max-count glob iglob replace type type-not threads max-columns encoding max-depth color sort sortr',
  reads: 'f file ignore-file',
  refuses: 'pre hostname-bin',
  instead: 'e regexp f file files',
  here: true,
};
const fd: Spec = {
  operands: 'pattern',
  values: 'e t d E extension type max-depth exclude',
  refuses: 'x X exec exec-batch',
  reads: 'base-directory search-path',
};
const checksum: Spec = { operands: 'read' };
const compress: Spec = { operands: 'write', values: 'S suffix' };

/** Programs that open the files they are given, by name. */
export const table: Readonly<Record<string, Spec>> = {
  cat: reader,
  tac: reader,
  nl: reader,
  rev: reader,
  od: { operands: 'read', values: 'A j N t S' },
  hexdump: { operands: 'read', values: 'n s e', reads: 'f' },
  xxd: { operands: 'convert', values: 's l c g o n' },
  strings: { operands: 'read', values: 'n t e T' },
  head: counted,
  tail: counted,
  less: { operands: 'read', writes: 'o O log-file LOG-FILE', refuses: 'k lesskey-file lesskey-src lesskey-content' },
  more: reader,
  bat: { operands: 'read', values: 'l r language line-range style theme paging', refuses: 'pager' },
  batcat: { operands: 'read', values: 'l r language line-range style theme paging', refuses: 'pager' },
  zcat: reader,
  bzcat: reader,
  xzcat: reader,
  wc: { operands: 'read', reads: 'files0-from' },
  du: {
    operands: 'read',
    reads: 'files0-from X exclude-from',
    values: 'd max-depth B block-size t threshold exclude',
    here: true,
  },
  df: reader,
  stat: { operands: 'read', values: 'c format printf' },
  file: { operands: 'read', reads: 'f files-from m magic-file', refuses: 'C compile' },
  ls: { operands: 'read', values: 'I ignore w T hide', here: true },
  dir: { operands: 'read', here: true },
  vdir: { operands: 'read', here: true },
  exa: { operands: 'read', values: 'L level I', here: true },
  eza: { operands: 'read', values: 'L level I', here: true },
  tree: { operands: 'read', values: 'L I P H T', writes: 'o', reads: 'fromfile gitfile infofile', here: true },
  readlink: reader,
  realpath: { operands: 'read', values: 'relative-to relative-base' },
  namei: reader,
  lsattr: reader,
  getfacl: reader,
  cksum: checksum,
  sum: checksum,
  md5sum: checksum,
  sha1sum: checksum,
  sha224sum: checksum,
  sha256sum: checksum,
  sha384sum: checksum,
  sha512sum: checksum,
  b2sum: checksum,
  shasum: { operands: 'read', values: 'a' },
  base64: { operands: 'read', values: 'w wrap' },
  base32: { operands: 'read', values: 'w wrap' },
  basenc: { operands: 'read', values: 'w wrap' },
  cut: { operands: 'read', values: 'd f c b delimiter fields characters bytes output-delimiter' },
  paste: { operands: 'read', values: 'd delimiters' },
  join: { operands: 'read', values: 't 1 2 j a v e o' },
  comm: reader,
  cmp: { operands: 'read', values: 'i n' },
  diff: {
    operands: 'read',
    values: 'U C I x W F label exclude ignore-matching-lines width',
    reads: 'X exclude-from from-file to-file S',
  },
  diff3: { operands: 'read', refuses: 'diff-program', values: 'L label' },
  sdiff: { operands: 'read', writes: 'o output', refuses: 'diff-program' },
  colordiff: reader,
  fold: { operands: 'read', values: 'w' },
  fmt: { operands: 'read', values: 'w p' },
  pr: { operands: 'read', values: 'h l w o D' },
  expand: { operands: 'read', values: 't' },
  unexpand: { operands: 'read', values: 't' },
  column: { operands: 'read', values: 's c o N R' },
  tsort: reader,
  ptx: { operands: 'convert' },
  shuf: { operands: 'read', values: 'n i head-count input-range', writes: 'o output', reads: 'random-source' },
  sort: {
    operands: 'read',
    values: 'k t S key field-separator buffer-size parallel batch-size',
    reads: 'files0-from random-source',
    writes: 'o output T temporary-directory',
    refuses: 'compress-program',
  },
  uniq: { operands: 'convert', values: 'f s w skip-fields skip-chars check-chars' },
  iconv: { operands: 'read', values: 'f t from-code to-code', writes: 'o output' },
  grep: search,
  egrep: search,
  fgrep: search,
  zgrep: search,
  rg: ripgrep,
  ag: { operands: 'pattern', values: 'm G', refuses: 'pager', reads: 'p path-to-ignore' },
  ack: { operands: 'pattern', values: 'm', refuses: 'pager', reads: 'ackrc files-from' },
  fd,
  fdfind: fd,
  yq: { operands: 'pattern', reads: 'from-file', instead: 'from-file' },
  look: { operands: 'pattern' },
  rm: { operands: 'write' },
  rmdir: { operands: 'write' },
  unlink: { operands: 'write' },
  mkdir: { operands: 'write', values: 'm mode' },
  touch: { operands: 'write', values: 'd t date time', reads: 'r reference' },
  truncate: { operands: 'write', values: 's size', reads: 'r reference' },
  shred: { operands: 'write', values: 'n s iterations size', reads: 'random-source' },
  fallocate: { operands: 'write', values: 'l o length offset' },
  mkfifo: { operands: 'write', values: 'm mode' },
  mknod: { operands: 'write', values: 'm mode' },
  tee: { operands: 'write' },
  sponge: { operands: 'write' },
  mv: { operands: 'write', values: 'S suffix', writes: 't target-directory' },
  cp: { operands: 'copy', values: 'S suffix', writes: 't target-directory' },
  install: {
    operands: 'write',
    values: 'm o g S mode owner group suffix',
    writes: 't target-directory',
    refuses: 'strip-program',
  },
  link: { operands: 'write' },
  chmod: { operands: 'mode', reads: 'reference', instead: 'reference' },
  chown: { operands: 'mode', reads: 'reference', values: 'from', instead: 'reference' },
  chgrp: { operands: 'mode', reads: 'reference', instead: 'reference' },
  chattr: { operands: 'mode' },
  setfacl: { operands: 'write', values: 'm x modify remove', reads: 'M X restore' },
  setfattr: { operands: 'write', values: 'n v name value x remove', reads: 'restore' },
  gzip: compress,
  gunzip: compress,
  bzip2: compress,
  bunzip2: compress,
  xz: { operands: 'write', values: 'S suffix T threads', reads: 'files files0' },
  unxz: compress,
  zstd: { ...compress, writes: 'o', reads: 'D filelist' },
  zip: { operands: 'write', values: 'x i n t', writes: 'O out b', refuses: 'T test unzip-command' },
  unzip: { operands: 'read', writes: 'd', values: 'P x' },
  zipinfo: reader,
  '7z': { operands: 'write' },
  split: { operands: 'convert', values: 'l b n a C', refuses: 'filter' },
  csplit: { operands: 'read', writes: 'f prefix', values: 'b n' },
  patch: {
    operands: 'write',
    reads: 'i input',
    writes: 'o output r reject-file d directory B prefix',
    values: 'p strip F fuzz g get D',
  },
  mktemp: { operands: 'write', writes: 'p tmpdir', values: 'suffix' },
};
