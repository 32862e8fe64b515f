// Turns what `pulumi preview --json` prints into the text of a comment on a pull request.
import { readFileSync } from "node:fs";

const { steps = [] } = JSON.parse(readFileSync(0, "utf8"));
const changing = steps.filter(({ op }) => op !== "same");

console.log(changing.length === 0 ? "### Nothing changes" : "### What merging this does\n");
for (const { op, urn } of changing) {
  const [type, name] = urn.split("::").slice(-2);
  console.log(`- ${op} ${type.split(/[:$/]/).at(-1)} \`${name}\``);
}
for (const { newState } of changing) {
  const plan = newState?.inputs?.plan;
  if (plan === undefined) continue;
  console.log(`\n**${plan.summary}**\n`);
  for (const change of plan.changes) console.log(`- ${change}`);
  console.log("\n```");
  for (const step of plan.steps) console.log(step);
  console.log("```");
}
