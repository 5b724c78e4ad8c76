import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Engine } from './engine.ts';
import { allowing, ifPresent } from './engine-errors.ts';
import { type Labels, labelled } from './labels.ts';

const stopGraceSeconds = 10;
const goneWithinMs = 20_000;
const pollMs = 50;

/** Every container that has the labels, dead ones included. */
export async function listContainers(engine: Engine, labels: Labels): Promise<Docker.ContainerInfo[]> {
  return await engine.calls.listContainers({ all: true, filters: labelled(labels) });
}

export async function inspectContainer(engine: Engine, id: string): Promise<Docker.ContainerInspectInfo | undefined> {
  return await ifPresent(engine.calls.getContainer(id).inspect());
}

/** Ends a container: asks it, and kills it after 10 s. Returns at once when it does not run. */
export async function stopContainer(engine: Engine, id: string): Promise<void> {
  await allowing(engine.calls.getContainer(id).stop({ t: stopGraceSeconds }), 304, 404);
}

/** Removes a container whatever its state, and returns when its name is free. Volumes with a name stay. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  // Conflict: somebody is removing it just now.
  await allowing(engine.calls.getContainer(id).remove({ force: true, v: true }), 404, 409);
  for (const deadline = Date.now() + goneWithinMs; Date.now() < deadline; await sleep(pollMs)) {
    if (!(await inspectContainer(engine, id))) return;
  }
  throw new Error(`the container ${id} could not be removed`);
}
