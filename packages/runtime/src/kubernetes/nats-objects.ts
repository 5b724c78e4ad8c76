import type { V1Deployment, V1PersistentVolumeClaim, V1Secret, V1Service } from '@kubernetes/client-node';
import { natsConfig, natsPort } from '../shared/nats-config.ts';
import { annotation, fingerprint, type Labels, label, teamLabels } from './labels.ts';
import { namespaceOf } from './names.ts';
import { placement } from './placement.ts';
import { containerSecurity, noClusterAccess, podSecurity } from './pod-security.ts';
import { secret } from './secrets.ts';
import type { KubernetesSettings } from './settings.ts';

/** Name of a team's NATS in its namespace: Deployment, its container, Service, volume. */
export const natsName = 'nats';
export const natsSecretName = 'nats-auth-token';
const folder = '/etc/agentcrew';
const configFile = 'nats.conf';
/** For the kubelet alone: no policy lets anybody else there. */
const monitorPort = 8222;

export interface NatsPlan {
  instance: string;
  team: string;
  /** Password of the team's user. */
  token: string;
  settings: KubernetesSettings;
}

/** Labels of the NATS pod; a Deployment can never be given another selector. */
export function natsLabels(instance: string, team: string): Labels {
  return { ...teamLabels(instance, team), [label.role]: 'nats' };
}

/** Host name of a team's NATS in the cluster. */
export function natsHost(team: string, clusterDomain: string): string {
  return `${natsName}.${namespaceOf(team)}.svc.${clusterDomain}`;
}

function configOf({ team, token }: NatsPlan): string {
  return natsConfig({ team, token, monitorPort });
}

/** The team's password and, for nats-server alone, a configuration with one account and one user. */
export function natsSecret(plan: NatsPlan): V1Secret {
  const { instance, team, token } = plan;
  const metadata = { name: natsSecretName, namespace: namespaceOf(team), labels: teamLabels(instance, team) };
  return secret(metadata, { token, [configFile]: configOf(plan) });
}

export function natsClaim({ instance, team, settings }: NatsPlan): V1PersistentVolumeClaim {
  const { workspace, natsStorage } = settings;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: natsName, namespace: namespaceOf(team), labels: natsLabels(instance, team) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(workspace.storageClass && { storageClassName: workspace.storageClass }),
      resources: { requests: { storage: natsStorage.size } },
    },
  };
}

export function natsService({ instance, team }: NatsPlan): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: natsName, namespace: namespaceOf(team), labels: natsLabels(instance, team) },
    spec: {
      type: 'ClusterIP',
      selector: natsLabels(instance, team),
      ports: [{ name: 'client', port: natsPort, targetPort: natsPort, protocol: 'TCP' }],
    },
  };
}

/** `Recreate`, because two of them cannot have one volume. */
export function natsDeployment(plan: NatsPlan): V1Deployment {
  const { instance, team, settings } = plan;
  const labels = natsLabels(instance, team);
  const spec: V1Deployment['spec'] = {
    replicas: 1,
    revisionHistoryLimit: 1,
    strategy: { type: 'Recreate' },
    selector: { matchLabels: labels },
    template: { metadata: { labels: { ...settings.labels, ...labels } }, spec: podSpec(settings) },
  };
  const config = fingerprint(instance, { spec, config: configOf(plan) });
  spec.template.metadata = { ...spec.template.metadata, annotations: { [annotation.config]: config } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: natsName,
      namespace: namespaceOf(team),
      labels: { ...settings.labels, ...labels },
      annotations: { [annotation.config]: config },
    },
    spec,
  };
}

function podSpec(settings: KubernetesSettings): NonNullable<V1Deployment['spec']>['template']['spec'] {
  const answers = (path: string) => ({ httpGet: { path, port: monitorPort }, timeoutSeconds: 3 });
  return {
    ...noClusterAccess,
    securityContext: podSecurity,
    terminationGracePeriodSeconds: 10,
    ...placement(settings),
    containers: [
      {
        name: natsName,
        image: settings.natsImage,
        imagePullPolicy: 'IfNotPresent',
        command: ['nats-server', '-c', `${folder}/${configFile}`],
        ports: [
          { name: 'client', containerPort: natsPort, protocol: 'TCP' },
          { name: 'monitor', containerPort: monitorPort, protocol: 'TCP' },
        ],
        resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
        securityContext: containerSecurity,
        readinessProbe: { ...answers('/healthz?js-server-only=true'), periodSeconds: 1 },
        // Answered also while it reads its store, however long that takes.
        livenessProbe: { ...answers('/'), initialDelaySeconds: 15, periodSeconds: 10, failureThreshold: 3 },
        volumeMounts: [
          { name: 'config', mountPath: folder, readOnly: true },
          { name: 'data', mountPath: '/data' },
        ],
      },
    ],
    volumes: [
      { name: 'config', secret: { secretName: natsSecretName, items: [{ key: configFile, path: configFile }] } },
      { name: 'data', persistentVolumeClaim: { claimName: natsName } },
    ],
  };
}
