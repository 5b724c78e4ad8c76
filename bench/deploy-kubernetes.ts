import { benchmark } from './deploy/benchmark.ts';
import { onKubernetes } from './deploy/kubernetes.ts';

await benchmark(onKubernetes);
