import { existsSync } from 'node:fs';

/** The kubeconfig of the cluster to test with: the file in KUBECONFIG; `undefined` when none is set, or it is not there. */
export function testKubeconfig(): string | undefined {
  const file = process.env.KUBECONFIG;
  return file && existsSync(file) ? file : undefined;
}
