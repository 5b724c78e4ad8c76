import { streamName, streamSubjects } from '@agentcrew/protocol';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { StreamLimits } from './bus.ts';

/** For how long the server remembers message ids, in milliseconds. */
const duplicateWindowMs = 2 * 60_000;

/** Creates the team's stream, or brings its limits up to date. `created` tells that it was not there. */
export async function ensureStream(
  manager: JetStreamManager,
  team: string,
  limits: StreamLimits,
): Promise<{ created: boolean }> {
  const wanted = wantedConfig(team, limits);
  const existing = await streamConfig(manager, team);
  if (existing === undefined) {
    await manager.streams.add({
      ...wanted,
      name: streamName(team),
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
    });
    return { created: true };
  }
  if (differs(existing, wanted)) await manager.streams.update(streamName(team), wanted);
  return { created: false };
}

/** Deletes the team's stream with all it holds; unknown is no error. */
export async function deleteStream(manager: JetStreamManager, team: string): Promise<void> {
  await manager.streams.delete(streamName(team)).catch(unlessMissing);
}

/** What a consumer has before it; `undefined` when it, or the stream, does not exist. */
export async function consumerLag(
  manager: JetStreamManager,
  team: string,
  durable: string,
): Promise<{ pending: number; unsettled: number } | undefined> {
  const info = await manager.consumers.info(streamName(team), durable).catch(unlessMissing);
  return info && { pending: info.num_pending, unsettled: info.num_ack_pending };
}

async function streamConfig(manager: JetStreamManager, team: string): Promise<StreamConfig | undefined> {
  const info = await manager.streams.info(streamName(team)).catch(unlessMissing);
  return info?.config;
}

function wantedConfig(team: string, limits: StreamLimits) {
  return {
    subjects: streamSubjects(team),
    discard: DiscardPolicy.Old,
    max_age: nanos(limits.maxAgeMs),
    max_bytes: limits.maxBytes,
    // The server refuses a window longer than the messages live.
    duplicate_window: nanos(Math.min(duplicateWindowMs, limits.maxAgeMs)),
  } satisfies Partial<StreamConfig>;
}

function differs(existing: StreamConfig, wanted: ReturnType<typeof wantedConfig>): boolean {
  return (
    existing.subjects.toSorted().join() !== wanted.subjects.toSorted().join() ||
    existing.discard !== wanted.discard ||
    existing.max_age !== wanted.max_age ||
    existing.max_bytes !== wanted.max_bytes ||
    existing.duplicate_window !== wanted.duplicate_window
  );
}

function unlessMissing(error: unknown): undefined {
  const { StreamNotFound, ConsumerNotFound } = JetStreamApiCodes;
  if (error instanceof JetStreamApiError && (error.code === StreamNotFound || error.code === ConsumerNotFound)) return;
  throw error;
}
