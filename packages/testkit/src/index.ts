export * from './free-port.ts';
export * from './host-gateway.ts';
export * from './latch.ts';
export * from './nats-server.ts';
export * from './scripted-model/server.ts';
export * from './temporary-folder.ts';
export * from './test-cluster.ts';
export * from './wait-for.ts';
