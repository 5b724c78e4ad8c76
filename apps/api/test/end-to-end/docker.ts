import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const commandMs = 120_000;

/** Output of a docker command; rejects when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, { timeout: commandMs, maxBuffer: 10_000_000 });
  return stdout.trim();
}

export const agentImage = 'agentcrew-sidecar:dev';

/** Whether an engine answers that has the image of the agents. */
export const hasAgentImage = await docker('image', 'inspect', agentImage, 'nats:2.10-alpine').then(
  () => true,
  () => false,
);

const kinds = {
  containers: ['ps', '--all', '--quiet', '--no-trunc'],
  networks: ['network', 'ls', '--quiet', '--no-trunc'],
  volumes: ['volume', 'ls', '--quiet'],
};

/** Ids of everything that has all the labels (`name=value`), by kind. */
export async function labelled(...labels: string[]): Promise<Record<keyof typeof kinds, string[]>> {
  const filters = labels.flatMap((label) => ['--filter', `label=${label}`]);
  const list = async (kind: keyof typeof kinds) =>
    (await docker(...kinds[kind], ...filters)).split('\n').filter(Boolean);
  const [containers, networks, volumes] = await Promise.all([list('containers'), list('networks'), list('volumes')]);
  return { containers, networks, volumes };
}

/** Removes everything of an installation, whatever its state. */
export async function removeAll(instance: string): Promise<void> {
  const { containers, networks, volumes } = await labelled(`agentcrew.instance=${instance}`);
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  if (networks.length > 0) await docker('network', 'rm', ...networks);
  if (volumes.length > 0) await docker('volume', 'rm', ...volumes);
}
