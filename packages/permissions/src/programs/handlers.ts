import type { Judge } from '../bash/judge.ts';
import type { State } from '../bash/state.ts';
import { refuse } from '../refusal.ts';
import { judgeAwk } from './awk.ts';
import { judgeCurl, judgeWget } from './downloads.ts';
import { judgeDd, judgeJq, judgeLn, judgeOpenssl, judgeRsync, judgeTar } from './files.ts';
import { judgeFind } from './find.ts';
import { judgeGit } from './git.ts';
import { judgeDocker, judgeMan, judgeSsh } from './remote.ts';
import { judgeSed } from './sed.ts';
import { judgeShell } from './shells.ts';
import { judgeEnv, judgeXargs, packageRunners, wrappers } from './wrappers.ts';

/** Judges a call by its words; the first is the name of the program without its folder. */
export type Handler = (judge: Judge, state: State, argv: readonly string[]) => void;

/** What these do cannot be judged by their words: they run texts as commands, or show files under other paths. */
const refused =
  'at batch crontab systemd-run chroot unshare nsenter bwrap su runuser doas setpriv capsh pkexec script expect screen tmux ' +
  'parallel gdb lldb strace ltrace ed ex vi vim vim.tiny nvim view vimdiff rvim nano pico emacs emacsclient mount umount losetup ' +
  'socat ncat nc netcat telnet busybox toybox ksh fish csh tcsh run-parts start-stop-daemon logrotate inotifywait entr ' +
  'tclsh wish rlwrap ssh-agent ssh-keyscan cpio pax ar crash dmsetup debugfs insmod modprobe watch flock fuser ' +
  'halt reboot shutdown poweroff mkfs fdisk parted swapon swapoff ldconfig update-alternatives dpkg-divert ' +
  'git-shell sg newgrp setarch linux32 linux64 i386 choom ionotify rbash sftp ftp tftp lp lpr sshfs fusermount ' +
  'dialog whiptail xdotool mapscrn hping3 nmap tcpdump wish8.6 nsupdate mailx mail sendmail';

const git: Handler = (judge, state, argv) => judgeGit(judge, state, argv.slice(1));

/** Programs whose words need a closer look than the table gives. */
export const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...refused.split(' ').map((name): [string, Handler] => [name, refuseProgram]),
  ...['sh', 'bash', 'dash', 'zsh', 'ash'].map((name): [string, Handler] => [name, judgeShell]),
  ...['awk', 'gawk', 'mawk', 'nawk', 'original-awk'].map((name): [string, Handler] => [name, judgeAwk]),
  ...['sed', 'gsed'].map((name): [string, Handler] => [name, judgeSed]),
  ...['tar', 'gtar', 'bsdtar'].map((name): [string, Handler] => [name, judgeTar]),
  ...['rsync', 'scp'].map((name): [string, Handler] => [name, judgeRsync]),
  ...wrappers,
  ...packageRunners,
  ['env', judgeEnv],
  ['xargs', judgeXargs],
  ['find', judgeFind],
  ['git', git],
  ['curl', judgeCurl],
  ['wget', judgeWget],
  ['dd', judgeDd],
  ['ln', judgeLn],
  ['docker', judgeDocker],
  ['podman', judgeDocker],
  ['nerdctl', judgeDocker],
  ['ssh', judgeSsh],
  ['man', judgeMan],
  ['jq', judgeJq],
  ['openssl', judgeOpenssl],
]);

function refuseProgram(_judge: Judge, _state: State, [name]: readonly string[]): void {
  refuse(`program that cannot be judged by its arguments: ${name}. Call what it would run directly`);
}
