import { longestChain, type Teammate } from '@agentcrew/protocol';

/** Why a task cannot be given to an agent, in words for the model; `undefined`: it can. `chain`: who waits, this agent last. */
export function refusal(target: string, chain: readonly string[]): string | undefined {
  if (chain.at(-1) === target) return 'that is yourself: do it in this turn';
  if (chain.includes(target)) {
    return `${target} waits for your answer (${chain.join(' → ')}), so both would wait for ever. Answer with what you need from ${target}, or do it yourself`;
  }
  if (chain.length >= longestChain) return `${chain.length} agents wait for each other already`;
  return undefined;
}

/** The teammate of this slug or, whatever the case, this name. */
export function findTeammate(teammates: readonly Teammate[], name: string): Teammate | undefined {
  const wanted = name.trim().toLowerCase();
  return (
    teammates.find(({ slug }) => slug === name) ??
    teammates.find((mate) => mate.slug.toLowerCase() === wanted || mate.name.toLowerCase() === wanted)
  );
}
