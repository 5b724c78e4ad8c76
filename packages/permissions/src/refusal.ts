/** Why a call must not run; thrown where that is found out, caught in `decide`. The reason is for the agent. */
export class Refusal extends Error {
  override name = 'Refusal';
}

const longest = 200;

/** Ends the judgement of a call with a reason. */
export function refuse(reason: string): never {
  throw new Refusal(reason);
}

/** The text as a reason shows it: on one line and not endless. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
