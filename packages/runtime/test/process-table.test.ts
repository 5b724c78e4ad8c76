import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { parseEnviron, parseStat } from '../src/local/linux-processes.ts';
import { parseEnvironments, parsePs } from '../src/local/macos-processes.ts';
import { hostProcesses, isAlive } from '../src/local/process-table.ts';

function stat(name: string, state: string): string {
  return `4711 (${name}) ${state} 17 4711 4711 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 200 18446744073709551615`;
}

describe('/proc', () => {
  it('reads pid, parent and start time', () => {
    expect(parseStat(stat('node', 'S'))).toEqual({ pid: 4711, parent: 17, start_time: '987654' });
  });

  it('is not misled by the name of the command', () => {
    expect(parseStat(stat('a) Z 1 (b', 'R'))).toMatchObject({ parent: 17, start_time: '987654' });
  });

  it('takes zombies, the dead and nonsense for no process', () => {
    for (const line of [stat('node', 'Z'), stat('node', 'X'), '', '4711 (node', 'nonsense']) {
      expect(parseStat(line)).toBeUndefined();
    }
  });

  it('finds a whole variable in an environment', () => {
    expect(parseEnviron('A=1\0MARK=inst/team/agent\0B=2\0', 'MARK')).toBe('inst/team/agent');
    expect(parseEnviron('XMARK=1\0A=MARK=2\0', 'MARK')).toBeUndefined();
  });
});

describe('ps', () => {
  it('reads processes without zombies', () => {
    const text = '  501     1 Ss   Sun Nov 22 21:15:00 2026\n  502   501 Z    Sun Nov 22 21:15:01 2026\n\n';
    expect(parsePs(text)).toEqual([{ pid: 501, parent: 1, start_time: 'Sun Nov 22 21:15:00 2026' }]);
  });

  it('finds a variable behind the arguments', () => {
    const text = '  501 node main.ts PATH=/bin MARK=i/t/a HOME=/\n  502 node other.ts PATH=/bin\n';
    expect(parseEnvironments(text, 'MARK')).toEqual(new Map([[501, 'i/t/a']]));
  });
});

describe('this host', () => {
  const table = hostProcesses();

  it('knows a process by its start, and its end', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env: { MARK: 'yes' } });
    const exited = once(child, 'exit');
    try {
      await once(child, 'spawn');
      const identity = await table.identify(child.pid ?? 0);
      if (!identity) throw new Error('the child is not in the table');
      expect(await isAlive(table, identity)).toBe(true);
      expect(await isAlive(table, { ...identity, start_time: 'another' })).toBe(false);
      const entry = (await table.list()).find(({ pid }) => pid === child.pid);
      expect(entry).toMatchObject({ ...identity, parent: process.pid });
      await waitFor('the mark', async () => (await table.marked('MARK')).get(identity.pid) === 'yes');
      child.kill('SIGKILL');
      await exited;
      expect(await isAlive(table, identity)).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('takes a zombie for dead', async () => {
    // `sh` starts a child and becomes a program that never asks for the child's end; as long as it is `sh`, it might.
    const script = '(read line) <&3 >/dev/null & echo $!; exec sleep 60 >/dev/null';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
    const [, output, , line] = parent.stdio as [null, Readable, null, Writable, undefined];
    try {
      const pid = Number(await text(output));
      line.end('now\n');
      await waitFor('the zombie to be dead', async () => (await table.identify(pid)) === undefined);
      expect(process.kill(pid, 0)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
