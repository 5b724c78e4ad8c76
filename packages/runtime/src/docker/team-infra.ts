import { hostOf } from '@agentcrew/nats';
import type { TeamAccounts } from '../external-nats/team-accounts.ts';
import type { InfraConfig } from '../runtime.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { Engine } from './engine.ts';
import type { Images } from './images.ts';
import { teamLabels } from './labels.ts';
import { teamNames } from './names.ts';
import { ensureNetwork, joinNetwork, removeNetwork } from './networks.ts';
import { ensureNats, type NatsAddress, natsAddress, removeNats } from './team-nats.ts';
import { ensureVolume, removeVolumes } from './volumes.ts';

/** A nats-server of the operator's own. */
interface ExternalNats {
  url: string;
  /** Its container, when it has to be put into the teams' networks. */
  container: string | undefined;
  accounts: TeamAccounts | undefined;
}

export interface InfraOptions {
  engine: Engine;
  images: Images;
  instance: string;
  natsImage: string;
  /** An operator's nats-server takes the place of the teams' own. */
  externalNats: ExternalNats | undefined;
  /** The container that this server runs in. */
  ownContainer: () => Promise<string | undefined>;
  log: RuntimeLogger;
}

/** What a team has besides its agents: network, volumes, NATS. */
export interface TeamInfra {
  ensure(infra: InfraConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<void>;
  remove(team: string, removeData: boolean): Promise<void>;
  natsAddress(team: string): Promise<NatsAddress>;
}

export function teamInfra(options: InfraOptions): TeamInfra {
  const { engine, images, instance, natsImage, externalNats, ownContainer } = options;

  async function useExternalNats(
    { url, container, accounts }: ExternalNats,
    network: string,
    team: string,
    token: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (container) await joinNetwork(engine, network, container, [hostOf(url)]);
    await accounts?.ensureTeam(team, token, signal);
  }

  return {
    async ensure({ team, natsToken, workspacePath }, signal, onProgress) {
      const names = teamNames(team);
      const labels = teamLabels(instance, team);
      const network = await ensureNetwork(engine, names.network, labels);
      if (!workspacePath) await ensureVolume(engine, names.workspace, labels);
      const own = await ownContainer();
      if (own) await joinNetwork(engine, network, own);
      if (externalNats) return await useExternalNats(externalNats, network, team, natsToken, signal);
      await images.ensure(natsImage, signal, onProgress);
      await ensureVolume(engine, names.natsVolume, labels);
      signal.throwIfAborted();
      await ensureNats(options, { instance, image: natsImage, team, token: natsToken, published: !own }, network);
    },

    async remove(team, removeData) {
      const labels = teamLabels(instance, team);
      await removeNats(options, team);
      await removeNetwork(engine, teamNames(team).network, labels);
      await externalNats?.accounts?.removeTeam(team);
      if (removeData) await removeVolumes(engine, labels);
    },

    natsAddress: async (team) => natsAddress(options, team, (await ownContainer()) !== undefined),
  };
}
