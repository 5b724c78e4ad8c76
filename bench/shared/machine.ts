import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { findClaude } from '@agentcrew/claude';

/** Where and with what it is measured. */
export function machine() {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    /** Of the last 1, 5 and 15 minutes. */
    load: loadavg().map((load) => Number(load.toFixed(2))),
    node: process.version,
    claude: versionOf(findClaude(), '--version'),
    nats: versionOf(process.env.NATS_SERVER || 'nats-server', '--version'),
  };
}

function versionOf(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: 30_000 }).trim();
}
