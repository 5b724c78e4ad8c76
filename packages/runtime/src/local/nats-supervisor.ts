import { CrewError } from '@agentcrew/protocol';
import type { RuntimeLogger } from '../shared/logger.ts';
import { findNatsServer } from './find-nats-server.ts';
import { freePort, isPortFree } from './free-port.ts';
import { endNats, findRunning, type NatsFiles, natsLastWords, spawnNats, until } from './nats-process.ts';
import type { ProcessIdentity, ProcessTable } from './process-table.ts';

const reloadMs = 5_000;
/** A large store takes its time to be read back. */
const startMs = 30_000;
const startAttempts = 3;
/** The threads of a killed server hold its port a little longer than its process can be seen. */
const portReleaseMs = 3_000;

export interface SupervisorOptions {
  files: NatsFiles;
  /** Path of nats-server; absent: searched. */
  command: string | undefined;
  hostEnvironment: Record<string, string | undefined>;
  table: ProcessTable;
  log: RuntimeLogger;
}

/** What a start needs to know: the port as configured, and how to configure another. */
export interface PortChoice {
  current(): number;
  change(port: number): Promise<void>;
}

/** The process of nats-server. Its configuration is there before any of these is called. */
export interface NatsSupervisor {
  running(): Promise<ProcessIdentity | undefined>;
  /** Starts it, again when it is killed; a port that somebody else has taken is given up for another. @throws CrewError RUNTIME_FAILED */
  start(port: PortChoice, answers: () => Promise<boolean>): Promise<void>;
  /** Gets it to answer in the gentlest way that helps: a reload, else a restart. @throws CrewError RUNTIME_FAILED */
  repair(port: PortChoice, answers: () => Promise<boolean>): Promise<void>;
  /** Makes it read its configuration again, which cuts nobody off whose account stays. */
  reload(running: ProcessIdentity): void;
  stop(running: ProcessIdentity): Promise<void>;
}

export function natsSupervisor({ files, command, hostEnvironment, table, log }: SupervisorOptions): NatsSupervisor {
  async function start(port: PortChoice, answers: () => Promise<boolean>): Promise<void> {
    const executable = await findNatsServer(command, hostEnvironment.PATH);
    let words = '';
    for (let attempt = 1; attempt <= startAttempts; attempt++) {
      if (!(await until(async () => isPortFree(port.current()), portReleaseMs))) await port.change(await freePort());
      const child = await spawnNats(table, files, executable, hostEnvironment);
      if (await until(answers, startMs, () => child.exit !== undefined)) {
        log.info({ nats_pid: child.pid, port: port.current() }, 'nats-server started');
        return;
      }
      words = (await natsLastWords(files, child.logStart)) || (child.exit ?? 'it does not answer');
      const running = await findRunning(table, files);
      if (running) await endNats(table, files, running);
      const isKilled = child.exit?.startsWith('SIG');
      if (!isKilled && !words.includes('address already in use')) break;
    }
    throw new CrewError('RUNTIME_FAILED', `nats-server did not start: ${words}`);
  }

  function reload(running: ProcessIdentity): void {
    try {
      process.kill(running.pid, 'SIGHUP');
    } catch {
      // It ended just now, which whoever asks for an answer next finds out.
    }
  }

  return {
    running: async () => findRunning(table, files),
    start,
    reload,
    async repair(port, answers) {
      const running = await findRunning(table, files);
      if (running) {
        reload(running);
        if (await until(answers, reloadMs)) return;
        log.warn({ nats_pid: running.pid }, 'nats-server does not answer: it is restarted');
        await endNats(table, files, running);
      }
      await start(port, answers);
    },
    async stop(running) {
      await endNats(table, files, running);
      log.info({ nats_pid: running.pid }, 'nats-server stopped');
    },
  };
}
