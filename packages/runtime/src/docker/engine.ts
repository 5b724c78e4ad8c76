import Docker from 'dockerode';
import { engineAddress } from './engine-errors.ts';

/** The engine may be silent for so long in the midst of a call. Stopping a container takes 10 s of it. */
const callTimeoutMs = 60_000;

/** Docker Engine, twice: the deadline of `calls` would cut off what waits for something to happen. */
export interface Engine {
  /** For calls that have an answer. */
  readonly calls: Docker;
  /** For events, logs, downloads and commands; each use has an end of its own. */
  readonly streams: Docker;
  /** Where it is, for messages. */
  readonly address: string;
}

/** @param options where the engine is; default: DOCKER_HOST and its kin, else the usual socket */
export function openEngine(options: Docker.DockerOptions = {}): Engine {
  // A connection that is kept would fail the first call after a restart of the engine.
  const headers = { Connection: 'close' };
  const calls = new Docker({ ...options, headers, timeout: callTimeoutMs });
  return { calls, streams: new Docker({ ...options, headers }), address: engineAddress(calls) };
}
