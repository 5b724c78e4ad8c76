export { deleteAllStreams, type NatsLogin, servesUser } from './account.ts';
export * from './bus.ts';
export { connectBus } from './connect.ts';
export { hostOf, loginOf, reloadServer } from './system.ts';
