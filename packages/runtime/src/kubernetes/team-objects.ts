import type { AgentSecrets } from '@agentcrew/protocol';
import type { V1Namespace, V1PersistentVolumeClaim, V1Secret } from '@kubernetes/client-node';
import { annotation, teamLabels } from './labels.ts';
import { namespaceOf } from './names.ts';
import { podSecurityLabels } from './pod-security.ts';
import { secret } from './secrets.ts';
import type { KubernetesSettings } from './settings.ts';

/** The volume that the agents of a team share. */
export const workspaceClaimName = 'workspace';

/** Secret with what the agents of a team show to the model's API, and its keys. */
export const credentialSecretName = 'anthropic-api-key';
export const credentialKeys = { apiKey: 'api-key', oauthToken: 'oauth-token' };

export function teamNamespace(instance: string, team: string): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespaceOf(team),
      labels: { ...teamLabels(instance, team), ...podSecurityLabels },
      annotations: { [annotation.team]: team },
    },
  };
}

/** One volume for the workspace and, beside it, a folder for the state of each agent. */
export function workspaceClaim(
  instance: string,
  team: string,
  { workspace }: KubernetesSettings,
): V1PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: workspaceClaimName, namespace: namespaceOf(team), labels: teamLabels(instance, team) },
    spec: {
      accessModes: [workspace.accessMode],
      ...(workspace.storageClass && { storageClassName: workspace.storageClass }),
      resources: { requests: { storage: workspace.size } },
    },
  };
}

export function credentialSecret(instance: string, team: string, secrets: AgentSecrets): V1Secret {
  const metadata = { name: credentialSecretName, namespace: namespaceOf(team), labels: teamLabels(instance, team) };
  return secret(metadata, {
    [credentialKeys.apiKey]: secrets.anthropic_api_key,
    [credentialKeys.oauthToken]: secrets.claude_code_oauth_token,
  });
}

/** A Secret of the server's own namespace with which a team's pods download their images. */
export function copiedPullSecret(instance: string, team: string, { metadata, type, data }: V1Secret): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: metadata?.name, namespace: namespaceOf(team), labels: teamLabels(instance, team) },
    type,
    data,
  };
}
