import { benchAffinity } from "./affinity/bench-affinity";
import { benchCore } from "./core";
import { benchChurn } from "./churn/bench-churn";
import { benchDataplane } from "./dataplane";
import { benchFuzz } from "./fuzz";
import { benchPreview } from "./preview";
import { benchProxy } from "./proxy/bench-proxy";
import { benchSpot } from "./spot";
import { benchRest } from "./rest";

/** `npm run bench -- <name> [--json]`. */
const BENCHES: Readonly<Record<string, (json: boolean) => Promise<void>>> = {
  proxy: benchProxy,
  core: benchCore,
  dataplane: benchDataplane,
  preview: benchPreview,
  spot: benchSpot,
  rest: benchRest,
  fuzz: benchFuzz,
  affinity: benchAffinity,
  churn: benchChurn,
};

async function main([name, ...flags]: string[]): Promise<void> {
  const bench = BENCHES[name ?? ""];
  if (bench === undefined || flags.some((flag) => flag !== "--json")) {
    process.stderr.write(`usage: npm run bench -- <${Object.keys(BENCHES).join(" | ")}> [--json]\n`);
    process.exitCode = 2;
    return;
  }
  await bench(flags.includes("--json"));
}

void main(process.argv.slice(2));
