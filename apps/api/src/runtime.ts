import { resolve } from 'node:path';
import type { AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { kubernetesOptions } from './kubernetes/options.ts';

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
  if (config.RUNTIME === 'docker') {
    const { dockerRuntime, teamAccounts } = await import('@agentcrew/runtime/docker');
    const { NATS_URL: url, NATS_ACCOUNTS_FILE: file } = config;
    return dockerRuntime({
      instance,
      agentImage: config.AGENT_IMAGE,
      natsImage: config.NATS_IMAGE,
      externalNatsUrl: url,
      externalNatsContainer: config.NATS_CONTAINER,
      teamAccounts: url && file ? teamAccounts({ systemUrl: url, file, log }) : undefined,
      log,
    });
  }
  const { kubernetesRuntime } = await import('@agentcrew/runtime/kubernetes');
  return await kubernetesRuntime({ ...kubernetesOptions(config), instance, log });
}
