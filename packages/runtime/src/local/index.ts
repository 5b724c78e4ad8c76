export type { RuntimeLogger } from '../shared/logger.ts';
export * from './local-runtime.ts';
export { hostProcesses } from './process-table.ts';
