import { benchmark } from './deploy/benchmark.ts';
import { onDocker } from './deploy/docker.ts';

await benchmark(() => onDocker);
