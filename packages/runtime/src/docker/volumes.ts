import type { Engine } from './engine.ts';
import { ifPresent } from './engine-errors.ts';
import { carries, foreign, type Labels, labelled } from './labels.ts';

/**
 * Makes sure of a volume.
 * @param ours labels of what may have the name in its place
 * @returns false when such a one has it
 * @throws CrewError RUNTIME_FAILED when it is somebody else's
 */
export async function ensureVolume(engine: Engine, name: string, labels: Labels, ours?: Labels): Promise<boolean> {
  const volume = await openVolume(engine, name, labels);
  if (carries(volume.Labels, labels)) return true;
  if (ours && carries(volume.Labels, ours)) return false;
  throw foreign('volume', name);
}

/** The engine gives the existing volume when the name is taken, whosever it is: so it is looked at after that too. */
async function openVolume(engine: Engine, name: string, labels: Labels) {
  const present = await ifPresent(engine.calls.getVolume(name).inspect());
  if (present) return present;
  await engine.calls.createVolume({ Name: name, Labels: labels });
  return await engine.calls.getVolume(name).inspect();
}

/** Removes every volume that has the labels. */
export async function removeVolumes(engine: Engine, labels: Labels): Promise<void> {
  const { Volumes } = await engine.calls.listVolumes({ filters: labelled(labels) });
  await Promise.all((Volumes ?? []).map(async ({ Name }) => ifPresent(engine.calls.getVolume(Name).remove())));
}
