/** A taint that pods put up with; fields as in Kubernetes. */
export interface Toleration {
  key?: string;
  operator?: 'Exists' | 'Equal';
  value?: string;
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  tolerationSeconds?: number;
}

/** Kubernetes quantities by resource: `{ cpu: '100m', memory: '256Mi' }`. */
export type Quantities = Record<string, string>;

/** What an operator decides about the objects of all teams. */
export interface KubernetesSettings {
  /** Image of agents whose team names none. */
  agentImage: string;
  natsImage: string;
  /** DNS domain of the cluster. */
  clusterDomain: string;
  /** The volume that the agents of a team share. With `ReadWriteOnce` they are kept on one node. */
  workspace: { size: string; storageClass?: string; accessMode: 'ReadWriteOnce' | 'ReadWriteMany' };
  /** The volume of a team's NATS, of the same storage class. */
  natsStorage: { size: string };
  /** Of agents that say nothing else in their `resources`. */
  agentRequests: Quantities;
  agentLimits: Quantities;
  runtimeClassName?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  /** Names of Secrets in the server's own namespace; they are copied into those of the teams. */
  imagePullSecrets?: string[];
  /** Labels of the workloads besides our own. */
  labels?: Record<string, string>;
}
