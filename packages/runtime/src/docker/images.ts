import { CrewError, messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { untilAborted } from '../shared/cancellation.ts';
import { linesOf } from '../shared/lines.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { Engine } from './engine.ts';
import { ifPresent } from './engine-errors.ts';
import { pullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';

/** A download that shows no progress for so long is given up. */
const silentMs = 120_000;
const pullEventSchema = z.looseObject({ error: z.string().optional() });

/** The images of the engine. */
export interface Images {
  /**
   * Makes sure of an image; downloads it when it is missing, once for all who wait for it.
   * @throws CrewError RUNTIME_FAILED when it is not to be had, the signal's reason on abort
   */
  ensure(image: string, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<void>;
}

export interface ImagesOptions {
  engine: Engine;
  /** Environment to take DOCKER_CONFIG from. */
  hostEnvironment: Record<string, string | undefined>;
  log: RuntimeLogger;
}

type Listener = (progress: string) => void;

export function imagesOf({ engine, hostEnvironment, log }: ImagesOptions): Images {
  const pulls = new Map<string, { done: Promise<void>; listeners: Set<Listener> }>();

  function pulling(image: string) {
    const present = pulls.get(image);
    if (present) return present;
    const listeners = new Set<Listener>();
    const tell = (progress: string) => {
      for (const listener of listeners) listener(progress);
    };
    log.info({ image }, 'downloading an image');
    const pull = {
      done: pullImage(engine, image, hostEnvironment, tell).finally(() => pulls.delete(image)),
      listeners,
    };
    // Whoever waits sees the failure; when all have given up, nobody has to.
    pull.done.catch(() => undefined);
    pulls.set(image, pull);
    return pull;
  }

  return {
    async ensure(image, signal, onProgress) {
      if (await ifPresent(engine.calls.getImage(image).inspect())) return;
      const { done, listeners } = pulling(image);
      if (onProgress) listeners.add(onProgress);
      try {
        await untilAborted(signal, `the download of ${image}`, async () => done);
      } finally {
        if (onProgress) listeners.delete(onProgress);
      }
    },
  };
}

async function pullImage(
  engine: Engine,
  image: string,
  hostEnvironment: Record<string, string | undefined>,
  tell: Listener,
): Promise<void> {
  const silence = new AbortController();
  const watchdog = setTimeout(() => silence.abort(new Error('the download stands still')), silentMs).unref();
  try {
    const authconfig = await registryAuth(image, hostEnvironment);
    const stream = await engine.streams.pull(withTag(image), {
      abortSignal: silence.signal,
      ...(authconfig && { authconfig }),
    });
    const progress = pullProgress(image);
    for await (const line of linesOf(stream)) {
      watchdog.refresh();
      const event = pullEventSchema.parse(JSON.parse(line));
      if (event.error) throw new Error(event.error);
      const text = progress(event);
      if (text) tell(text);
    }
  } catch (error) {
    throw new CrewError('RUNTIME_FAILED', missing(image, silence.signal.aborted ? silence.signal.reason : error), {
      cause: error,
    });
  } finally {
    clearTimeout(watchdog);
  }
}

function missing(image: string, error: unknown): string {
  const hint = image.startsWith('agentcrew-')
    ? 'build it with `make images`'
    : 'check its name and the access to its registry';
  return `The image ${image} is not on this engine and could not be downloaded (${messageOf(error).trim()}): ${hint}.`;
}

/** Without a tag the engine would download all of them. */
function withTag(image: string): string {
  return /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
}
