import { setTimeout as sleep } from 'node:timers/promises';
import { servesUser } from '@agentcrew/nats';
import { CrewError } from '@agentcrew/protocol';
import type Docker from 'dockerode';
import type { RuntimeLogger } from '../shared/logger.ts';
import { natsPort } from '../shared/nats-config.ts';
import { inspectContainer, listContainers, removeContainer } from './containers.ts';
import type { Engine } from './engine.ts';
import { statusOf } from './engine-errors.ts';
import { foreign, label, teamLabels } from './labels.ts';
import { lastWords } from './last-words.ts';
import { teamNames } from './names.ts';
import { type NatsPlan, natsContainer, natsFiles } from './nats-container.ts';
import { tarOf } from './tar.ts';

const answerMs = 2_000;
/** A large store takes its time to be read back. */
const startMs = 30_000;
/** So long may one that runs be silent before another takes its place. */
const silentMs = 5_000;
const pollMs = 50;

export interface NatsOptions {
  engine: Engine;
  instance: string;
  log: RuntimeLogger;
}

/** Address of a team's NATS as this process sees it. */
export interface NatsAddress {
  host: string;
  port: number;
}

/** Where a team's NATS is to be found: in the team's network, or at the port that the engine opened on this host. */
export async function natsAddress(
  { engine, instance }: NatsOptions,
  team: string,
  inContainer: boolean,
): Promise<NatsAddress> {
  if (inContainer) return { host: teamNames(team).natsHost, port: natsPort };
  const [known] = await listContainers(engine, natsLabels(instance, team));
  const details = known && (await inspectContainer(engine, known.Id));
  const port = Number(details?.NetworkSettings.Ports?.[`${natsPort}/tcp`]?.[0]?.HostPort);
  if (port > 0) return { host: '127.0.0.1', port };
  throw new CrewError('RUNTIME_FAILED', `the NATS of team ${team} does not run`);
}

/** Removes a team's NATS container; what it has stored stays on its volume. */
export async function removeNats({ engine, instance }: NatsOptions, team: string): Promise<void> {
  const known = await listContainers(engine, natsLabels(instance, team));
  await Promise.all(known.map(async ({ Id }) => removeContainer(engine, Id)));
}

/**
 * Makes sure that a team's NATS runs as planned, in the team's network, and takes the team's user. One that is not so
 * is replaced.
 * @param network id of the team's network
 * @throws CrewError RUNTIME_FAILED
 */
export async function ensureNats(options: NatsOptions, plan: NatsPlan, network: string): Promise<void> {
  const { engine, instance, log } = options;
  const wanted = natsContainer(plan);
  const [known] = await listContainers(engine, natsLabels(instance, plan.team));
  if (known && isAsWanted(known, wanted, network) && (await answers(options, plan, silentMs))) return;
  await removeNats(options, plan.team);
  const id = await create(engine, plan, wanted);
  await engine.calls.getContainer(id).start();
  if (await answers(options, plan, startMs)) {
    log.info({ team: plan.team }, known ? 'NATS replaced' : 'NATS started');
    return;
  }
  const words = (await lastWords(engine, id, [plan.token])) || 'it does not answer';
  throw new CrewError('RUNTIME_FAILED', `the NATS of team ${plan.team} did not start: ${words}`);
}

function natsLabels(instance: string, team: string) {
  return { ...teamLabels(instance, team), [label.role]: 'nats' };
}

function isAsWanted(known: Docker.ContainerInfo, wanted: Docker.ContainerCreateOptions, network: string): boolean {
  return (
    known.State === 'running' &&
    known.Labels[label.config] === wanted.Labels?.[label.config] &&
    Object.values(known.NetworkSettings.Networks).some(({ NetworkID }) => NetworkID === network)
  );
}

/** Makes the container with its configuration file, and does not leave one without it. */
async function create(engine: Engine, plan: NatsPlan, wanted: Docker.ContainerCreateOptions): Promise<string> {
  const container = await engine.calls.createContainer(wanted).catch((error: unknown) => {
    throw statusOf(error) === 409 ? foreign('container', wanted.name ?? '') : error;
  });
  try {
    await container.putArchive(await tarOf(natsFiles(plan)), { path: '/' });
  } catch (error) {
    await removeContainer(engine, container.id);
    throw error;
  }
  return container.id;
}

/** Asks until NATS takes the team's user or the time is over. */
async function answers(
  options: NatsOptions,
  { team, token, published }: NatsPlan,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const address = await natsAddress(options, team, !published).catch(() => undefined);
    if (address && (await servesUser({ ...address, user: team, password: token }, answerMs))) return true;
    if (Date.now() >= deadline) return false;
    await sleep(pollMs);
  }
}
