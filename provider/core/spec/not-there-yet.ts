/** Fields of the design that are not built yet, each with what to do until then. They are refused, never ignored. */
const LATER: Record<string, string> = {
  autoscaling: "say in `capacity` how many replicas there are to be, and by what",
  image: "start the container in `template.run`",
};

/** The sentence that refuses a field which a later release brings; null for any other name. */
export function notThereYet(name: string): string | null {
  const advice = LATER[name];
  return advice === undefined ? null : `\`${name}\` is not there yet: leave it out; ${advice}.`;
}
