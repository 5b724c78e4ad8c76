import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import { type DockerRuntimeOptions, dockerRuntime } from '../src/docker/index.ts';
import { label, teamLabels } from '../src/docker/labels.ts';
import { parseAgentId } from '../src/docker/names.ts';
import { tarOf } from '../src/docker/tar.ts';
import type { AgentRuntime } from '../src/runtime.ts';

const silent = { info() {}, warn() {}, error() {} };
export const docker = new Docker();
export const never = new AbortController().signal;

const baseImage = 'node:24-bookworm-slim';
const natsImage = 'nats:2.10-alpine';
export const testImage = 'agentcrew-runtime-test:latest';
/** Whether an engine answers that has what the tests need; they are skipped otherwise. */
export const hasDocker = await Promise.all(
  [baseImage, natsImage].map(async (image) => docker.getImage(image).inspect()),
).then(
  () => true,
  () => false,
);

async function buildTestImage(): Promise<void> {
  const names = ['Dockerfile', 'fake-sidecar.ts'];
  const texts = names.map(async (name) => readFile(new URL(name, import.meta.url), 'utf8'));
  const entries = (await Promise.all(texts)).map((text, index) => ({ name: names[index] ?? '', mode: 0o644, text }));
  const context = await tarOf(entries);
  const stream = await docker.buildImage(context as unknown as NodeJS.ReadableStream, { t: testImage });
  const output = (await buffer(stream)).toString();
  if (!output.includes('Successfully tagged')) throw new Error(`the test image was not built: ${output}`);
}

/** A docker runtime with an instance of its own, and the means to look behind it. Disposing removes all it has made. */
export interface DockerFixture extends AsyncDisposable {
  instance: string;
  runtime: AgentRuntime;
  /** A second server's runtime of the same installation, as after a restart. */
  reopen(overrides?: Partial<DockerRuntimeOptions>): AgentRuntime;
  /** The agent's container; `undefined` when it has none. */
  containerOf(id: string): Promise<Docker.ContainerInspectInfo | undefined>;
  /** Output of a shell command in the agent's container; rejects when it fails. */
  shell(id: string, command: string): Promise<string>;
}

export async function openDocker(overrides: Partial<DockerRuntimeOptions> = {}): Promise<DockerFixture> {
  await buildTestImage();
  const instance = randomUUID();
  const opened: AgentRuntime[] = [];
  const reopen = (more: Partial<DockerRuntimeOptions> = {}) => {
    const runtime = dockerRuntime({
      instance,
      agentImage: testImage,
      natsImage,
      readyTimeoutMs: 30_000,
      log: silent,
      ...overrides,
      ...more,
    });
    opened.push(runtime);
    return runtime;
  };
  const runtime = reopen();

  async function containerOf(id: string) {
    const known = parseAgentId(id) ?? { team: '', agent: '' };
    const labels = { ...teamLabels(instance, known.team), [label.agent]: known.agent };
    const filter = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const [found] = await docker.listContainers({ all: true, filters: { label: filter } });
    return found && (await docker.getContainer(found.Id).inspect());
  }

  return {
    instance,
    runtime,
    reopen,
    containerOf,
    async shell(id, command) {
      const container = await containerOf(id);
      if (!container) throw new Error(`${id} has no container`);
      return await shellIn(container.Id, command);
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      await removeAllOf(instance);
    },
  };
}

/** Runs a command in a container. */
export async function shellIn(container: string, command: string, user?: string): Promise<string> {
  const exec = await docker.getContainer(container).exec({
    Cmd: ['sh', '-c', command],
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
    ...(user && { User: user }),
  });
  const output = (await buffer(await exec.start({ Tty: true }))).toString().trim();
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`exit code ${ExitCode}: ${output}`);
  return output;
}

/** Everything of an instance in the engine. */
export async function madeBy(instance: string) {
  const filters = { label: [`${label.instance}=${instance}`] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return {
    containers: containers.map(({ Id }) => Id),
    networks: networks.map(({ Id }) => Id),
    volumes: volumes.Volumes.map(({ Name }) => Name),
  };
}

async function removeAllOf(instance: string): Promise<void> {
  const { containers, networks, volumes } = await madeBy(instance);
  await Promise.all(containers.map(async (id) => docker.getContainer(id).remove({ force: true, v: true })));
  await Promise.all(networks.map(async (id) => docker.getNetwork(id).remove()));
  await Promise.all(volumes.map(async (name) => docker.getVolume(name).remove()));
}

/** Runs a command in a container of its own that has a volume at /volume. @returns whether it succeeds */
export async function inVolume(volume: string, command: string): Promise<boolean> {
  const known = await docker
    .getVolume(volume)
    .inspect()
    .catch(() => undefined);
  if (!known) return false;
  const container = await docker.createContainer({
    Image: testImage,
    Cmd: ['sh', '-c', command],
    HostConfig: { Mounts: [{ Type: 'volume', Source: volume, Target: '/volume' }] },
  });
  try {
    await container.start();
    return (await container.wait()).StatusCode === 0;
  } finally {
    await container.remove({ force: true });
  }
}
