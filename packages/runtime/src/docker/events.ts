import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { linesOf } from '../shared/lines.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { Engine } from './engine.ts';
import { label, labelled } from './labels.ts';

const firstBackOffMs = 250;
const longestBackOffMs = 5_000;

const actions = ['start', 'die', 'destroy', 'pause', 'unpause'] as const;
const eventSchema = z.object({
  Action: z.enum(actions),
  Actor: z.object({
    ID: z.string(),
    Attributes: z.looseObject({
      [label.team]: z.string(),
      [label.agent]: z.string(),
      exitCode: z.coerce.number().default(0),
    }),
  }),
});

/** Something that happened to an agent's container. */
export interface ContainerEvent {
  action: (typeof actions)[number];
  container: string;
  team: string;
  agent: string;
  /** Of a container that died. */
  exitCode: number;
}

export interface EventsOptions {
  engine: Engine;
  instance: string;
  /** The stream begins, again: what happened before was missed. */
  onConnected: () => void;
  onEvent: (event: ContainerEvent) => void;
  log: RuntimeLogger;
}

/** Follows what the engine tells of this server's agents, through restarts of the engine, until the signal aborts. */
export async function followEvents(options: EventsOptions, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await followOnce(options, signal, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (failures === 0) options.log.warn({ err: messageOf(error) }, 'the event stream of Docker broke off');
    }
    const pauseMs = Math.min(firstBackOffMs * 2 ** failures++, longestBackOffMs);
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function followOnce(options: EventsOptions, signal: AbortSignal, onOpen: () => void): Promise<void> {
  const { engine, instance, onConnected, onEvent } = options;
  const filters = { type: ['container' as const], event: [...actions], ...labelled({ [label.instance]: instance }) };
  const stream = await engine.streams.getEvents({ filters, abortSignal: signal });
  onOpen();
  onConnected();
  for await (const line of linesOf(stream)) {
    // The NATS containers have no agent's label.
    const event = eventSchema.safeParse(JSON.parse(line)).data;
    if (!event) continue;
    const { [label.team]: team, [label.agent]: agent, exitCode } = event.Actor.Attributes;
    onEvent({ action: event.Action, container: event.Actor.ID, team, agent, exitCode });
  }
}
