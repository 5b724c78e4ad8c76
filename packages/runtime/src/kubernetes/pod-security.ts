import type { V1PodSecurityContext, V1SecurityContext } from '@kubernetes/client-node';

/** Who works in the pods; the image of the agents calls them `node`. */
const user = 1000;

/** Levels of the Pod Security Standards, as labels of a namespace: what is less than `restricted` is not let in. */
export const podSecurityLabels = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/audit': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
};

/** The restricted profile, for a whole pod. Volumes are made writable for the group. */
export const podSecurity: V1PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The restricted profile, for a container. */
export const containerSecurity: V1SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
};

/** What no pod of ours needs: a token of the API server, and the addresses of Services in its environment. */
export const noClusterAccess = { automountServiceAccountToken: false, enableServiceLinks: false };
