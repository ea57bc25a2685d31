// When to try again. Pure: the caller brings the chance and knows whether somebody looks.

/** Milliseconds. A person who looks has the picture back within 2 s of the way being back, so this is the ceiling. */
const CEILING = 1000;
/** Nobody looks: be quiet. Looking again wakes the page at once. */
const HIDDEN_CEILING = 15_000;
const FIRST = 100;

/** The pause after `failures` attempts in a row; `chance` from 0 to 1 spreads many pages over ±20 %. */
export function pause(failures: number, hidden: boolean, chance: number): number {
  const ceiling = hidden ? HIDDEN_CEILING : CEILING;
  return Math.min(FIRST * 2 ** Math.min(failures, 10), ceiling) * (0.8 + 0.4 * chance);
}
