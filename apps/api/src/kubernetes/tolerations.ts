import { z } from 'zod';
import { isLabelValue, isQualifiedName } from './names.ts';

/** As the API server checks it, so that a mistake ends the start of this server and not every deploy. */
const tolerationSchema = z
  .strictObject(
    {
      key: z.string().refine(isQualifiedName, 'must be the key of a taint').optional(),
      operator: z.enum(['Exists', 'Equal']).optional(),
      value: z.string().refine(isLabelValue, 'must be the value of a taint').optional(),
      effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
      tolerationSeconds: z.int().optional(),
    },
    { error: ({ code, keys }) => (code === 'unrecognized_keys' ? `has no field ${String(keys)}` : undefined) },
  )
  .refine(({ key, operator }) => key !== undefined || operator === 'Exists', 'needs a key, or the operator Exists')
  .refine(({ value, operator }) => !value || operator !== 'Exists', 'must not have a value with the operator Exists')
  .refine(
    ({ tolerationSeconds, effect }) => tolerationSeconds === undefined || effect === 'NoExecute',
    'may have tolerationSeconds only with the effect NoExecute',
  );

const tolerationsSchema = z.array(tolerationSchema);

/** Tolerations of pods as a JSON array, in the words of Kubernetes. */
export const tolerationsTextSchema = z.string().transform((text, context) => {
  const parsed = tolerationsSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues)
    context.addIssue({ code: 'custom', message: path.length > 0 ? `${where(path)} ${message}` : arrayRule });
  return z.NEVER;
});

const arrayRule = 'must be a JSON array of tolerations, such as [{"key": "agents", "operator": "Exists"}]';

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `[0].key` */
function where(path: PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
}
