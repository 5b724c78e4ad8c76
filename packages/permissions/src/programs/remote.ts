import type { Judge } from '../bash/judge.ts';
import type { State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';

/** Judges `docker`: what it mounts of this machine's files, and whether its containers are walls at all. */
export function judgeDocker(judge: Judge, state: State, argv: readonly string[]): void {
  argv.forEach((arg, at) => {
    if (/^--(?:privileged|pid=host|ipc=host|userns=host|cap-add|device|security-opt|uts=host|cgroupns=host)/.test(arg))
      refuse(`docker ${arg}: opens this machine to the container`);
    if (/^--(?:pid|ipc|userns)$/.test(arg) && argv[at + 1] === 'host') refuse(`docker ${arg} host`);
    const mounted = /^(?:-v|--volume)$/.test(arg) ? argv[at + 1] : /^(?:-v|--volume=)(?=[^-])(.*)$/s.exec(arg)?.[1];
    if (mounted !== undefined && /^[/.~]/.test(mounted)) holdWritten(judge, state, mounted.split(':')[0] ?? '');
    const source = /(?:^|,)(?:src|source)=([^,]*)/.exec(arg.replace(/^--mount=/, ''))?.[1];
    if (source?.startsWith('/')) holdWritten(judge, state, source);
    if (arg === 'cp')
      for (const path of argv.slice(at + 1).filter((word) => /^[/.~]/.test(word))) holdWritten(judge, state, path);
    if (/^(?:-f|--file|--env-file|--context)$/.test(arg) && /^[/.~]/.test(argv[at + 1] ?? ''))
      holdRead(judge, state, argv[at + 1] ?? '');
  });
}

/** Judges `ssh`: what it runs on this machine to get to another one. */
export function judgeSsh(judge: Judge, state: State, argv: readonly string[]): void {
  const options = argv.filter((arg, at) => /^-[a-zA-Z]*o/.test(arg) || /^-[a-zA-Z]*o$/.test(argv[at - 1] ?? ''));
  if (
    options.some((option) =>
      /proxycommand|localcommand|knownhostscommand|include|proxyusefdpass|pkcs11|securitykeyprovider|xauthlocation/i.test(
        option,
      ),
    )
  )
    refuse('ssh with an option that runs a program here');
  argv.forEach((arg, at) => {
    if (/^-[a-zA-Z]*[FiES]$/.test(arg) && at > 0) holdRead(judge, state, argv[at + 1] ?? '');
    if (/^-[a-zA-Z]*E$/.test(arg)) holdWritten(judge, state, argv[at + 1] ?? '');
    if (/^-[a-zA-Z]*[FI]/.test(arg)) refuse(`ssh ${arg}: a configuration can run programs here`);
  });
}

/** Judges `man`, whose pager and browser are programs. */
export function judgeMan(_judge: Judge, _state: State, argv: readonly string[]): void {
  if (argv.some((arg) => /^-[a-zA-Z]*[PHCL]|^--(?:pager|html|config|browser)/.test(arg)))
    refuse('man with a program or a configuration');
}
