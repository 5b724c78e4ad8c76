import { atMost, type Limit } from '../shared/limits.ts';
import type { Medians } from './report.ts';

/** What the product promises of a warm turn. Medians, in milliseconds. */
export function limitsOf({ product, bare }: { product: Medians; bare: Medians }): Limit[] {
  return [
    atMost(
      'POST /chat → request at the model, at most 1.5 × the bare CLI + 20 ms',
      product.request,
      1.5 * bare.request + 20,
    ),
    atMost('model’s last byte → WebSocket frame, under 50 ms', product.answer, 50),
  ];
}
