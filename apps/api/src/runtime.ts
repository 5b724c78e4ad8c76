import { resolve } from 'node:path';
import { CrewError } from '@agentcrew/protocol';
import type { AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import type { Config } from './config.ts';

/** Makes the configured runtime; its code is loaded only when it is chosen. */
export async function createRuntime(config: Config, instance: string, log: Logger): Promise<AgentRuntime> {
  if (config.RUNTIME === 'local') {
    const { localRuntime } = await import('@agentcrew/runtime/local');
    return localRuntime({
      dataDir: resolve(config.DATA_DIR),
      instance,
      natsServer: config.NATS_SERVER,
      externalNatsUrl: config.NATS_URL,
      log,
    });
  }
  throw new CrewError(
    'RUNTIME_FAILED',
    `RUNTIME=${config.RUNTIME} is not available in this version. Set RUNTIME=local.`,
  );
}
