/** What the tests of Kubernetes decide about all objects: small, so that many of them find room on a small node. */
export const testSettings = {
  agentImage: 'agentcrew-runtime-test:latest',
  workspace: { size: '100Mi', accessMode: 'ReadWriteOnce' },
  natsStorage: { size: '100Mi' },
  agentRequests: { cpu: '10m', memory: '64Mi' },
  agentLimits: { cpu: '1', memory: '256Mi' },
} as const;
