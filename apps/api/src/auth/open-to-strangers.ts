import type { AuthOptions } from './auth.ts';

/** What is wrong when others than this machine reach a server that asks nobody who they are. */
export function openToStrangers(provider: AuthOptions['provider'], onLoopback: boolean): string | undefined {
  if (provider !== 'noop' || onLoopback) return undefined;
  return 'nobody is asked who they are: everybody who reaches this address may do everything (set AUTH_PROVIDER=local, or listen on loopback)';
}
