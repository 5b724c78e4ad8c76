import { type AgentSpec, agentMarker, agentMarkerVariable } from '@agentcrew/protocol';
import type { V1Container, V1EnvVar, V1PodSpec, V1Secret, V1StatefulSet, V1Volume } from '@kubernetes/client-node';
import type { AgentResources } from '../runtime.ts';
import { agentLabels, annotation, fingerprint, label, teamLabels } from './labels.ts';
import { agentName, agentObject, namespaceOf } from './names.ts';
import { natsSecretName } from './nats-objects.ts';
import { placement, togetherness } from './placement.ts';
import { containerSecurity, noClusterAccess, podSecurity } from './pod-security.ts';
import { secret } from './secrets.ts';
import type { KubernetesSettings, Quantities } from './settings.ts';
import { credentialKeys, credentialSecretName, workspaceClaimName } from './team-objects.ts';

/** Paths inside an agent's container. */
export const inside = {
  workspace: '/workspace',
  state: '/state',
  spec: '/run/agentcrew',
} as const;

/** Name of the container with the sidecar in an agent's pod. */
export const agentContainerName = 'agent';
/** Port of the sidecar's health endpoint. */
export const healthPort = 9090;
const specFile = 'agent.json';
/** Key of the agent's Secret that is not mounted. */
const mcpKey = 'mcp';
/** The sidecar ends its turn, and itself, in less. */
const endSeconds = 15;

export interface AgentPlan {
  spec: AgentSpec;
  image: string;
  resources: AgentResources | undefined;
  settings: KubernetesSettings;
}

/** The folder on the team's volume with the states of its agents, and the one of an agent in it. */
export const stateFolder = 'agents';
const stateFolderOf = (agent: string) => `${stateFolder}/${agentName(agent)}`;

/**
 * An agent's description without its secrets, which the sidecar gets as variables of its environment, and beside it those
 * of its MCP servers.
 */
export function agentSecret({ spec }: AgentPlan): V1Secret {
  const { secrets, ...described } = spec;
  const labels = agentLabels(spec.instance, spec.team, spec.agent);
  const metadata = { name: agentObject(spec.agent), namespace: namespaceOf(spec.team), labels };
  return secret(metadata, { [specFile]: JSON.stringify(described), [mcpKey]: secrets.mcp });
}

/**
 * What runs an agent: a StatefulSet of one, which starts it again wherever it ends and never runs two of it at a time, as
 * two sidecars on one state would answer a message twice. Its `config` annotation changes with all of it and with the spec.
 */
export function agentStatefulSet(plan: AgentPlan): V1StatefulSet {
  const { instance, team, agent, role } = plan.spec;
  const labels = agentLabels(instance, team, agent);
  const described = { ...plan.settings.labels, ...labels, [label.role]: role };
  const podSpec = agentPod(plan);
  const annotations = {
    [annotation.team]: team,
    [annotation.agent]: agent,
    [annotation.config]: fingerprint(instance, { podSpec, described, spec: plan.spec }),
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: agentObject(agent), namespace: namespaceOf(team), labels: described, annotations },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 1,
      // It names no Service: nobody calls an agent.
      serviceName: 'agents',
      // A pod that is out of date is ended by the runtime, also one that never got ready.
      updateStrategy: { type: 'OnDelete' },
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: { metadata: { labels: described, annotations }, spec: podSpec },
    },
  };
}

function agentPod(plan: AgentPlan): V1PodSpec {
  const { spec, settings } = plan;
  return {
    ...noClusterAccess,
    securityContext: podSecurity,
    // Then process 1 is one that takes over, and takes leave of, what an agent's commands leave behind.
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: endSeconds,
    ...placement(settings),
    ...togetherness(settings, teamLabels(spec.instance, spec.team)),
    containers: [agentContainer(plan)],
    volumes: volumes(spec),
  };
}

function agentContainer({ spec, image, resources, settings }: AgentPlan): V1Container {
  const healthz = { httpGet: { path: '/healthz', port: healthPort }, timeoutSeconds: 5 };
  const readyz = { httpGet: { path: '/readyz', port: healthPort }, timeoutSeconds: 5 };
  return {
    name: agentContainerName,
    image,
    imagePullPolicy: 'IfNotPresent',
    env: environment(spec),
    ports: [{ name: 'health', containerPort: healthPort, protocol: 'TCP' }],
    resources: limitsOf(resources, settings),
    securityContext: containerSecurity,
    readinessProbe: { ...readyz, periodSeconds: 1 },
    livenessProbe: { ...healthz, initialDelaySeconds: 20, periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      { name: 'workspace', mountPath: inside.workspace, subPath: 'workspace' },
      { name: 'workspace', mountPath: inside.state, subPath: stateFolderOf(spec.agent) },
      { name: 'spec', mountPath: inside.spec, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function volumes(spec: AgentSpec): V1Volume[] {
  return [
    { name: 'workspace', persistentVolumeClaim: { claimName: workspaceClaimName } },
    { name: 'spec', secret: { secretName: agentObject(spec.agent), items: [{ key: specFile, path: specFile }] } },
    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
  ];
}

/**
 * The secrets are variables of the sidecar's process, which the commands of an agent cannot look into; a file would be
 * theirs to read. The pod names only where they are.
 */
function environment(spec: AgentSpec): V1EnvVar[] {
  const { nats_token, anthropic_api_key, claude_code_oauth_token, mcp } = spec.secrets;
  const from = (name: string, secretName: string, key: string, value: string | undefined) =>
    value === undefined ? [] : [{ name, valueFrom: { secretKeyRef: { name: secretName, key } } }];
  return [
    { name: 'AGENT_SPEC_FILE', value: `${inside.spec}/${specFile}` },
    { name: agentMarkerVariable, value: agentMarker(spec) },
    ...from('NATS_TOKEN', natsSecretName, 'token', nats_token),
    ...from('ANTHROPIC_API_KEY', credentialSecretName, credentialKeys.apiKey, anthropic_api_key),
    ...from('CLAUDE_CODE_OAUTH_TOKEN', credentialSecretName, credentialKeys.oauthToken, claude_code_oauth_token),
    ...from('MCP_SECRETS', agentObject(spec.agent), mcpKey, mcp),
  ];
}

/** What an agent asks for it gets and no more; what it says nothing of is the operator's default. */
function limitsOf(
  { cpu, memory }: AgentResources = {},
  { agentRequests, agentLimits }: KubernetesSettings,
): { requests: Quantities; limits: Quantities } {
  const own: Quantities = {
    ...(cpu !== undefined && { cpu: `${Math.ceil(cpu * 1_000)}m` }),
    ...(memory !== undefined && { memory: `${memory}` }),
  };
  return { requests: { ...agentRequests, ...own }, limits: { ...agentLimits, ...own } };
}
