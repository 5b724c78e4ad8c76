import type { TeamRow } from '@agentcrew/models';
import type { ConnectBus, StreamLimits, TeamBus } from '@agentcrew/nats';
import { messageOf } from '@agentcrew/protocol';
import type { AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';

export interface TeamBusesDeps {
  runtime: AgentRuntime;
  connectBus: ConnectBus;
  stream: StreamLimits;
  /** Called when the team's stream had to be created: what it held before is gone. */
  onStreamCreated: (teamId: string) => void;
  /** Called when a connection is there (again). */
  onConnected: (teamId: string) => void;
  /** Runs as long as the bus is open. */
  serve: (teamId: string, bus: TeamBus, signal: AbortSignal) => Promise<void>;
  log: Logger;
}

/** The server's connections to the buses of its teams, one each. */
export interface TeamBuses extends AsyncDisposable {
  /** Opens the team's bus and makes sure of its stream; gives the open one when it is still the right one. */
  open(team: TeamRow, signal: AbortSignal): Promise<TeamBus>;
  /**
   * The same for a deploy: begins with an empty stream. What an earlier one still holds was answered when the team
   * stopped, or is in the database and sent again.
   */
  openEmpty(team: TeamRow, signal: AbortSignal): Promise<TeamBus>;
  get(teamId: string): TeamBus | undefined;
  all(): TeamBus[];
  /** Closes the team's bus and deletes its stream: the database holds everything that still matters of it. */
  closeAndDelete(teamId: string): Promise<void>;
}

interface OpenBus {
  bus: TeamBus;
  url: string;
  stop: AbortController;
  serving: Promise<void>;
}

export function createTeamBuses(deps: TeamBusesDeps): TeamBuses {
  const open = new Map<string, OpenBus>();
  const opening = new Map<string, Promise<TeamBus>>();

  async function openBus(team: TeamRow, signal: AbortSignal, empty: boolean): Promise<TeamBus> {
    const { url, user } = await deps.runtime.natsConnectUrl(team.slug);
    const present = open.get(team.id);
    if (present?.url === url) {
      if (present.bus.connected) await ensureStream(team.id, present.bus, signal);
      return present.bus;
    }
    await close(team.id);
    const bus = await deps.connectBus({
      url,
      user,
      token: user === undefined ? undefined : team.nats_token,
      name: `api-${team.slug}`,
      team: team.slug,
      signal,
      onProblem: (problem) => deps.log.warn({ team_id: team.id, problem }, 'bus problem'),
    });
    try {
      if (empty) await bus.deleteStream(signal);
      await ensureStream(team.id, bus, signal);
    } catch (error) {
      // Nobody else knows of the connection, and it would reconnect for ever.
      await bus[Symbol.asyncDispose]();
      throw error;
    }
    const stop = new AbortController();
    open.set(team.id, { bus, url, stop, serving: serve(team.id, bus, stop.signal) });
    deps.onConnected(team.id);
    return bus;
  }

  async function ensureStream(teamId: string, bus: TeamBus, signal: AbortSignal): Promise<void> {
    const { created } = await bus.ensureStream(deps.stream, signal);
    if (created) deps.onStreamCreated(teamId);
  }

  async function serve(teamId: string, bus: TeamBus, signal: AbortSignal): Promise<void> {
    const watch = bus.onConnection((connected) => {
      deps.log[connected ? 'info' : 'warn']({ team_id: teamId }, connected ? 'bus connected' : 'bus disconnected');
      if (connected) onReconnected(teamId);
    });
    await deps.serve(teamId, bus, signal).catch((error: unknown) => {
      if (!signal.aborted) deps.log.error({ team_id: teamId, error: messageOf(error) }, 'relay ended');
    });
    watch[Symbol.dispose]();
  }

  /** What cannot be done now (the database may be away) comes again with the reconciler's tick. */
  function onReconnected(teamId: string): void {
    try {
      deps.onConnected(teamId);
    } catch (error) {
      deps.log.warn({ team_id: teamId, error: messageOf(error) }, 'bus is back, what waits for it is not sent yet');
    }
  }

  async function close(teamId: string, last?: (bus: TeamBus) => Promise<void>): Promise<void> {
    const present = open.get(teamId);
    if (!present) return;
    open.delete(teamId);
    present.stop.abort();
    await present.serving;
    if (present.bus.connected) await last?.(present.bus);
    await present.bus[Symbol.asyncDispose]();
  }

  /** A stream that stays is emptied by the next deploy. */
  async function deleteStream(bus: TeamBus): Promise<void> {
    await bus.deleteStream().catch((error: unknown) => {
      deps.log.warn({ team: bus.team, error: messageOf(error) }, 'stream not deleted');
    });
  }

  async function openOnce(team: TeamRow, signal: AbortSignal, empty: boolean): Promise<TeamBus> {
    const present = opening.get(team.id);
    if (present) return present;
    const promise = openBus(team, signal, empty).finally(() => opening.delete(team.id));
    opening.set(team.id, promise);
    return promise;
  }

  return {
    open: (team, signal) => openOnce(team, signal, false),
    openEmpty: (team, signal) => openOnce(team, signal, true),
    get: (teamId) => open.get(teamId)?.bus,
    all: () => [...open.values()].map(({ bus }) => bus),
    closeAndDelete: (teamId) => close(teamId, deleteStream),
    async [Symbol.asyncDispose]() {
      await Promise.all([...open.keys()].map((teamId) => close(teamId)));
    },
  };
}
