export * from './mock-runtime.ts';
