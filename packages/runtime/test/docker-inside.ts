import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import Docker from 'dockerode';
import { dockerRuntime } from '../src/docker/index.ts';
import type { AgentConfig } from '../src/runtime.ts';

/** A server that runs in a container itself: brings a team up and down, and tells what it saw. */
const { instance, config }: { instance: string; config: AgentConfig } = JSON.parse(readFileSync(0, 'utf8'));
const log = { info() {}, warn() {}, error() {} };
const never = new AbortController().signal;
const { team, image = '', secrets } = config;

async function networks(): Promise<string[]> {
  const { NetworkSettings } = await new Docker().getContainer(hostname()).inspect();
  return Object.keys(NetworkSettings.Networks);
}

await using runtime = dockerRuntime({ instance, agentImage: image, log });
await runtime.deployInfra({ team, natsToken: secrets.nats_token ?? '' }, never);
await runtime.deployAgent(config, never);
const up = { url: (await runtime.natsConnectUrl(team)).url, networks: await networks() };
await runtime.teardownInfra(team);
console.log(JSON.stringify({ up, down: { networks: await networks() } }));
