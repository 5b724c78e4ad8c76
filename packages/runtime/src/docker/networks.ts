import { CrewError } from '@agentcrew/protocol';
import type { Engine } from './engine.ts';
import { allowing, ifPresent, statusOf } from './engine-errors.ts';
import { carries, foreign, type Labels } from './labels.ts';

/** Id of the network of that name, when it has the labels. @throws CrewError RUNTIME_FAILED when it is somebody else's */
async function findNetwork(engine: Engine, name: string, labels: Labels): Promise<string | undefined> {
  // The engine's filter finds parts of names too.
  const found = (await engine.calls.listNetworks({ filters: { name: [name] } })).filter(({ Name }) => Name === name);
  const ours = found.find(({ Labels }) => carries(Labels, labels));
  if (found.length > 0 && !ours) throw foreign('network', name);
  return ours?.Id;
}

/** Makes sure of a team's network. @returns its id */
export async function ensureNetwork(engine: Engine, name: string, labels: Labels): Promise<string> {
  const present = await findNetwork(engine, name, labels);
  if (present) return present;
  try {
    const network = await engine.calls.createNetwork({ Name: name, CheckDuplicate: true, Labels: labels });
    return network.id;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    const made = await findNetwork(engine, name, labels);
    if (made) return made;
    throw error;
  }
}

/** Removes a team's network; whoever is still in it is put out first. */
export async function removeNetwork(engine: Engine, name: string, labels: Labels): Promise<void> {
  const id = await findNetwork(engine, name, labels);
  if (!id) return;
  const network = engine.calls.getNetwork(id);
  const details = await ifPresent(network.inspect());
  for (const Container of Object.keys(details?.Containers ?? {})) {
    // Not found: it left by itself.
    await allowing(network.disconnect({ Container, Force: true }), 404);
  }
  await ifPresent(network.remove());
}

/**
 * Makes a container part of a network; it may be already.
 * @param Aliases names of the container in that network besides its own
 */
export async function joinNetwork(
  engine: Engine,
  network: string,
  container: string,
  Aliases: string[] = [],
): Promise<void> {
  const details = await ifPresent(engine.calls.getContainer(container).inspect());
  if (!details) throw new CrewError('RUNTIME_FAILED', `there is no container ${container}`);
  if (Object.values(details.NetworkSettings.Networks).some(({ NetworkID }) => NetworkID === network)) return;
  await engine.calls.getNetwork(network).connect({ Container: container, EndpointConfig: { Aliases } });
}
