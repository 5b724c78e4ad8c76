import type { AmbientCredentials } from '@agentcrew/api/crew/credentials.ts';
import { type Crew, createCrew } from '@agentcrew/api/crew/crew.ts';
import type { AgentInput } from '@agentcrew/api/crew/roster.ts';
import type { AgentRow, Database, MessageRow, TeamRow } from '@agentcrew/models';
import { agentLimitsSchema } from '@agentcrew/protocol';
import { type MockRuntime, mockRuntime } from '@agentcrew/runtime/mock';
import { waitFor } from '@agentcrew/testkit';
import pino from 'pino';
import { createFakeBuses, type FakeBuses } from './fake-bus.ts';
import { memoryDatabase, storedTeam } from './rows.ts';

export interface TestCrewOptions {
  db?: Database;
  runtime?: MockRuntime;
  buses?: FakeBuses;
  credentials?: AmbientCredentials;
  needsCredential?: boolean;
  workspaceRoots?: string[];
  maxRestarts?: number;
  agentSilenceTimeoutMs?: number;
  scheduleTimeoutMs?: number;
  maxScheduleRuns?: number;
  catchUpMs?: number;
  deployTimeoutMs?: number;
}

/** The domain with a runtime and a bus in memory. Nothing runs by a timer: a test asks for a pass. */
export interface TestCrew extends AsyncDisposable {
  crew: Crew;
  db: Database;
  runtime: MockRuntime;
  buses: FakeBuses;
  createTeam(agents?: AgentInput[]): TeamRow;
  createRunningTeam(agents?: AgentInput[]): Promise<TeamRow>;
  /** The team as it is now. */
  team(id: string): TeamRow;
  agents(id: string): AgentRow[];
  messages(id: string): MessageRow[];
  until(id: string, status: TeamRow['status']): Promise<TeamRow>;
}

export function startTestCrew(options: TestCrewOptions = {}): TestCrew {
  const db = options.db ?? memoryDatabase();
  const runtime = options.runtime ?? mockRuntime();
  const buses = options.buses ?? createFakeBuses();
  const crew = createCrew({
    db,
    runtime,
    connectBus: buses.connectBus,
    credentials: options.credentials ?? {},
    needsCredential: options.needsCredential ?? false,
    workspaceRoots: options.workspaceRoots ?? [],
    limits: agentLimitsSchema.parse({}),
    stream: { maxAgeMs: 60_000, maxBytes: 1_048_576 },
    deployTimeoutMs: options.deployTimeoutMs ?? 10_000,
    reconcileIntervalMs: 3_600_000,
    maxRestarts: options.maxRestarts ?? 2,
    agentSilenceTimeoutMs: options.agentSilenceTimeoutMs ?? 30_000,
    scheduleTimeoutMs: options.scheduleTimeoutMs ?? 60_000,
    maxScheduleRuns: options.maxScheduleRuns ?? 10,
    maxWebhookRuns: 20,
    ...(options.catchUpMs !== undefined && { catchUpMs: options.catchUpMs }),
    postActions: { allowPrivate: [], maxConcurrent: 5 },
    log: pino({ level: 'silent' }),
  });

  const test: TestCrew = {
    crew,
    db,
    runtime,
    buses,
    createTeam: (agents) => storedTeam(db, {}, agents).team,
    async createRunningTeam(agents) {
      const { id } = crew.deployer.deploy(test.createTeam(agents));
      return test.until(id, 'running');
    },
    team(id) {
      const team = db.teams.get(id);
      if (!team) throw new Error('the team is gone');
      return team;
    },
    agents: (id) => db.agents.listByTeam(id),
    messages: (id) => db.messages.after({ teamId: id, seq: 0, limit: 10_000 }),
    until: (id, status) =>
      waitFor(`team to be ${status}`, () => {
        const team = test.team(id);
        return team.status === status && !crew.deployer.busy(id) && team;
      }),
    async [Symbol.asyncDispose]() {
      await crew.close();
      if (!options.db) db[Symbol.dispose]();
    },
  };
  return test;
}
