export * from './kubernetes-runtime.ts';
export type { KubernetesSettings, Toleration } from './settings.ts';
