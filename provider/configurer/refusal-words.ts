import { withoutValues } from "../core/hide";

const LONGEST_WORDS = 200;
/** As much as may be needed for that many words once values are hidden. */
const LONGEST_ANSWER = 400;

/**
 * The first words of a refusal without the values of the config that it is about: a server likes to quote what it does
 * not like, and these words go into state, events and the terminal, where no secret may ever be.
 */
export function wordsWithout(config: unknown, answer: string): string {
  const words = withoutValues(config, answer.slice(0, LONGEST_ANSWER)).replace(/\s+/g, " ").trim();
  return words.length <= LONGEST_WORDS ? words : `${words.slice(0, LONGEST_WORDS)}...`;
}
