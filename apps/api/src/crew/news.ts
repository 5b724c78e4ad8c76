/**
 * Tells what is new from what is said again and again: a trouble that lasts belongs in a log once.
 * @param about what is in trouble
 * @param trouble `undefined`: none any more
 */
export type IsNews = (about: string, trouble: string | undefined) => boolean;

export function createNews(): IsNews {
  const known = new Map<string, string>();
  return (about, trouble) => {
    const isSame = known.get(about) === trouble;
    if (trouble === undefined) known.delete(about);
    else known.set(about, trouble);
    return !isSame;
  };
}
