export * from './local-runtime.ts';
export type { RuntimeLogger } from './logger.ts';
export { hostProcesses } from './process-table.ts';
