import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';

/** How a client finds an API server. */
export function configOf(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'u', token: 'a-token' });
  return config;
}

/** A server in the place of Kubernetes, for answers that a real one gives only at bad times. */
export async function apiServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    config: configOf(`http://127.0.0.1:${port}`),
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
