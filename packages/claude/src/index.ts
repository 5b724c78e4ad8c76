export * from './claude.ts';
