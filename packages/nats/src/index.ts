export * from './bus.ts';
export { connectBus } from './connect.ts';
