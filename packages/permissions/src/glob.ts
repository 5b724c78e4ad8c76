/**
 * Whether the whole text matches the pattern, in which `*` stands for any run of characters (also of `/`, also of
 * none) and everything else for itself. Takes at most `text.length * pattern.length` steps.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (pattern[next] === text[at]) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}

const longestCompared = 2000;

/** Whether the text, in which private-use characters stand for any text, can become one that matches the pattern. */
export function mayMatchGlob(text: string, pattern: string): boolean {
  let reached = withStars(new Set([0]), pattern);
  for (const character of text.slice(0, longestCompared)) {
    const next = new Set<number>();
    const isAny = character >= '\ue000' && character <= '\ue00f';
    for (const at of reached) {
      if (isAny) for (let to = at; to <= pattern.length; to++) next.add(to);
      else if (pattern[at] === character) next.add(at + 1);
    }
    reached = withStars(isAny ? next : keepingStars(reached, next, pattern), pattern);
    if (reached.size === 0) return false;
  }
  return text.length > longestCompared || reached.has(pattern.length);
}

/** A `*` that was reached takes any further character. */
function keepingStars(reached: Set<number>, next: Set<number>, pattern: string): Set<number> {
  for (const at of reached) if (at > 0 && pattern[at - 1] === '*') next.add(at);
  return next;
}

function withStars(places: Set<number>, pattern: string): Set<number> {
  for (const at of places) if (pattern[at] === '*') places.add(at + 1);
  return places;
}
