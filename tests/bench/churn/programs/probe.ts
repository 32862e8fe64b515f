import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { queryObjects } from "node:v8";

/**
 * Loaded into a data plane before its own program. At SIGUSR2 it collects garbage and writes what is left as JSON to the file
 * in `PROBE_FILE`: memory, and how many there are of each class that `PROBE_CLASSES` names as `{name: module}`.
 */
const file = process.env["PROBE_FILE"]!;
const classes = JSON.parse(readFileSync(process.env["PROBE_CLASSES"]!, "utf8")) as Record<string, string>;

process.on("SIGUSR2", () => {
  const objects: Record<string, number> = {};
  for (const [name, from] of Object.entries(classes)) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const made = (require(from) as Record<string, () => void>)[name]!;
    objects[name] = queryObjects(made, { format: "count" });
  }
  global.gc!();
  const { heapUsed, external } = process.memoryUsage();
  const left = { heapBytes: heapUsed + external, objects, timers: timers() };
  writeFileSync(`${file}.new`, JSON.stringify(left));
  renameSync(`${file}.new`, file);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "Immediate").length;
}
