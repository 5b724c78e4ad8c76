import type Docker from 'dockerode';
import { natsConfig, natsPort } from '../shared/nats-config.ts';
import { fingerprint, label, teamLabels } from './labels.ts';
import { teamNames } from './names.ts';
import type { TarEntry } from './tar.ts';

/** Any user but root; the image needs to know nothing of it. */
const user = 1000;
const configFile = '/etc/agentcrew/nats.conf';

export interface NatsPlan {
  instance: string;
  image: string;
  team: string;
  token: string;
  /** Opens a port on the host's loopback for a server that is not in a container. */
  published: boolean;
}

/**
 * The configuration file and the folder of the volume, with the owner that the server runs as. The file is part of the
 * container and goes with it; a command line or an environment would show the token to everybody who may inspect.
 */
export function natsFiles(plan: NatsPlan): TarEntry[] {
  const owner = { uid: user, gid: user };
  return [
    { name: 'data/', mode: 0o700, ...owner },
    { name: 'etc/agentcrew/', mode: 0o700, ...owner },
    { name: configFile.slice(1), mode: 0o600, ...owner, text: natsConfig(plan) },
  ];
}

/** How the container is made; its `config` label changes with all of it and with the configuration file. */
export function natsContainer(plan: NatsPlan): Docker.ContainerCreateOptions {
  const { network, natsContainer: name, natsVolume, natsHost } = teamNames(plan.team);
  const port = `${natsPort}/tcp`;
  const options: Docker.ContainerCreateOptions = {
    Image: plan.image,
    User: `${user}:${user}`,
    Entrypoint: ['nats-server'],
    Cmd: ['-c', configFile],
    ExposedPorts: { [port]: {} },
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 256,
      Mounts: [{ Type: 'volume', Source: natsVolume, Target: '/data' }],
      NetworkMode: network,
      PortBindings: plan.published ? { [port]: [{ HostIp: '127.0.0.1', HostPort: '' }] } : {},
      RestartPolicy: { Name: 'unless-stopped' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '2' } },
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [natsHost] } } },
  };
  const config = fingerprint(plan.instance, { options, config: natsConfig(plan) });
  return {
    ...options,
    name,
    Labels: { ...teamLabels(plan.instance, plan.team), [label.role]: 'nats', [label.config]: config },
  };
}
