import type { AuthOptions } from './auth.ts';

/** What is wrong when others than this machine reach a server that lets anybody run agents on it. */
export function openToStrangers(
  { provider, multiTenant }: Pick<AuthOptions, 'provider' | 'multiTenant'>,
  onLoopback: boolean,
): string | undefined {
  if (onLoopback) return undefined;
  if (provider === 'local') {
    return multiTenant
      ? 'everybody who reaches this address may register an organisation and run agents here (set MULTI_TENANT=false once yours is registered, or listen on loopback)'
      : undefined;
  }
  return 'nobody is asked who they are: everybody who reaches this address may do everything (set AUTH_PROVIDER=local, or listen on loopback)';
}
