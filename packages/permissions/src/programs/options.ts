import { hasUnknown } from '../bash/marks.ts';

export interface Arguments {
  /** Options in their order: one letter, or the long name; a value where one is given. */
  options: { name: string; value: string | undefined }[];
  operands: string[];
}

export interface Syntax {
  /** Letters and long names of the options that take a value, separated by blanks. */
  values?: string;
  /** Options end where the first operand begins: the rest is a command. */
  stops?: boolean;
}

/** Takes arguments apart as GNU programs do: clusters of letters, `--name=value`, abbreviated names, `--`. */
export function takeApart(args: readonly string[], { values = '', stops = false }: Syntax): Arguments {
  const taking = values.split(' ').filter(Boolean);
  const found: Arguments = { options: [], operands: [] };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return { ...found, operands: [...found.operands, ...args.slice(at + 1)] };
    if (!arg.startsWith('-') || arg === '-') {
      if (stops) return { ...found, operands: args.slice(at) };
      found.operands.push(arg);
    } else if (arg.startsWith('--')) at += longOption(found, arg, args[at + 1], taking);
    else at += shortOptions(found, arg, args[at + 1], taking);
  }
  return found;
}

/** Whether the name is that of the option, or, of a long one, an abbreviation of it. */
export function isOption(name: string, option: string): boolean {
  return (
    name === option ||
    (name.length > 1 && option.length > 1 && option.startsWith(name)) ||
    (name.length > 1 && hasUnknown(name))
  );
}

function longOption(found: Arguments, arg: string, next: string | undefined, taking: readonly string[]): number {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  const takes =
    equals < 0 && next !== undefined && taking.some((option) => option.length > 1 && option.startsWith(name));
  found.options.push({ name, value: equals < 0 ? (takes ? next : undefined) : arg.slice(equals + 1) });
  // What looks like an abbreviation may be an option of its own that takes no value.
  if (takes && next !== undefined && !taking.includes(name)) found.operands.push(next);
  return takes ? 1 : 0;
}

function shortOptions(found: Arguments, arg: string, next: string | undefined, taking: readonly string[]): number {
  for (let at = 1; at < arg.length; at++) {
    const name = arg[at] ?? '';
    const rest = arg.slice(at + 1);
    if (!taking.includes(name)) found.options.push({ name, value: undefined });
    else {
      found.options.push({ name, value: rest === '' ? next : rest });
      return rest === '' ? 1 : 0;
    }
  }
  return 0;
}
