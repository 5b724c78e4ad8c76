import { type AgentSpec, agentMarker, agentMarkerVariable } from '@agentcrew/protocol';
import type Docker from 'dockerode';
import type { AgentResources } from '../runtime.ts';
import { fingerprint, label, teamLabels } from './labels.ts';
import { teamNames } from './names.ts';

/** Paths inside an agent's container. */
export const inside = {
  workspace: '/workspace',
  state: '/state',
} as const;

/** Port of the sidecar's health endpoint. */
export const healthPort = 9090;

export interface AgentPlan {
  spec: AgentSpec;
  image: string;
  resources: AgentResources | undefined;
  /** A folder of the host in place of the workspace volume, with its owner. */
  hostWorkspace: { path: string; owner: { uid: number; gid: number } } | undefined;
}

/** More than any build needs, and few enough that a fork bomb ends. */
const maxPids = 1024;

/**
 * How an agent's container is made, but for its name and the volume with its state. Nothing secret is in here.
 * There is no restart policy until the agent is ready: a container that ends while it starts must stay as it is, to
 * be asked why.
 */
function securedContainer({ spec, image, resources, hostWorkspace }: AgentPlan): Docker.ContainerCreateOptions {
  const { network, workspace } = teamNames(spec.team);
  return {
    Image: image,
    ...(hostWorkspace && { User: `${hostWorkspace.owner.uid}:${hostWorkspace.owner.gid}` }),
    Env: ['AGENT_SPEC_FILE=-', `${agentMarkerVariable}=${agentMarker(spec)}`],
    // The spec comes this way, once for each start.
    OpenStdin: true,
    StdinOnce: true,
    // The runtime asks for itself; the image's check would start a process now and then in every agent.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=1g' },
      PidsLimit: maxPids,
      ...(resources?.cpu && { NanoCpus: Math.round(resources.cpu * 1e9) }),
      // The same number for both: no swap on top.
      ...(resources?.memory && { Memory: resources.memory, MemorySwap: resources.memory }),
      Mounts: [
        hostWorkspace
          ? { Type: 'bind', Source: hostWorkspace.path, Target: inside.workspace }
          : { Type: 'volume', Source: workspace, Target: inside.workspace },
      ],
      NetworkMode: network,
      // For gateways and models that run on the host.
      ExtraHosts: ['host.docker.internal:host-gateway'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
  };
}

/** How an agent's container is made; its `config` label changes with all of it and with the spec. */
export function agentContainer(plan: AgentPlan): Docker.ContainerCreateOptions & { Labels: Record<string, string> } {
  const { spec } = plan;
  const options = securedContainer(plan);
  return {
    ...options,
    Labels: {
      ...agentLabels(spec),
      [label.role]: spec.role,
      [label.config]: fingerprint(spec.instance, { options, spec }),
    },
  };
}

export function agentLabels(spec: Pick<AgentSpec, 'instance' | 'team' | 'agent'>): Record<string, string> {
  return { ...teamLabels(spec.instance, spec.team), [label.agent]: spec.agent };
}
