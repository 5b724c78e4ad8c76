import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Runs one of the programs in `children/` with this Node; disposing kills it. */
export function startChild(name: string, argument: string) {
  const program = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [program, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    /** The first line it prints. */
    firstLine: once(createInterface(child.stdout), 'line').then(([line]) => String(line)),
    /** Its exit code; null when it was killed. */
    ended,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
