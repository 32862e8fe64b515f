import { InvalidArgumentError } from "commander";

/** Parses an option that counts something; where none is no answer, the least is 1. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number${least === 0 ? "" : ` of at least ${least}`}.`);
  };
}
