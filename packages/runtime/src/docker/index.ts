export { teamAccounts } from '../external-nats/team-accounts.ts';
export * from './docker-runtime.ts';
