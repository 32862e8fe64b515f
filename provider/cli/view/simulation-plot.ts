import type { Run, Sample } from "../../core/simulate/run";

const WIDTH = 1000;
const HEIGHT = 160;
const LEFT = 40;
const GAP = 50;
const COLOURS = { spot: "#4c9f70", onDemand: "#d98f3d", target: "#333333" };

/** One chart a policy, above each other: ready spot, on it ready on-demand, and the target as a line, over time. */
export function simulationPlot(runs: readonly Run[], hours: number): string {
  const most = Math.max(1, ...runs.flatMap(({ samples }) => samples.map((one) => Math.max(one.wanted, total(one)))));
  const charts = runs.map((run, index) => chart(run, hours, most, GAP + index * (HEIGHT + GAP)));
  const height = GAP + runs.length * (HEIGHT + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 20}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    legend(),
    ...charts,
    "</svg>\n",
  ].join("\n");
}

function legend(): string {
  const entries = [
    ["ready spot", COLOURS.spot],
    ["ready on-demand", COLOURS.onDemand],
    ["target", COLOURS.target],
  ];
  return entries
    .map(([text, colour], index) => {
      const x = LEFT + index * 140;
      return `<rect x="${x}" y="8" width="12" height="12" fill="${colour}"/><text x="${x + 18}" y="18">${text}</text>`;
    })
    .join("");
}

function chart({ policy, availability, samples }: Run, hours: number, most: number, top: number): string {
  const scaleX = (at: number) => (LEFT + (WIDTH * at) / (hours * 3_600_000)).toFixed(1);
  const scaleY = (count: number) => (top + HEIGHT - (HEIGHT * count) / most).toFixed(1);
  const steps = (height: (sample: Sample) => number) => stepPath(samples, scaleX, (one) => scaleY(height(one)));
  const end = (LEFT + WIDTH).toFixed(1);
  const area = (path: string, colour: string) => `<path d="${path}H${end}V${scaleY(0)}H${LEFT}Z" fill="${colour}"/>`;
  return [
    `<text x="${LEFT}" y="${top - 6}">${policy}: ${(100 * availability).toFixed(2)} % of the time with enough ready</text>`,
    area(steps(total), COLOURS.onDemand),
    area(
      steps(({ readySpot }) => readySpot),
      COLOURS.spot,
    ),
    `<path d="${steps(({ wanted }) => wanted)}H${end}" fill="none" stroke="${COLOURS.target}" stroke-dasharray="4 3"/>`,
    `<text x="4" y="${scaleY(most)}" dy="10">${most}</text><text x="4" y="${scaleY(0)}">0</text>`,
    `<text x="${LEFT}" y="${top + HEIGHT + 14}">0 h</text>`,
    `<text x="${end}" y="${top + HEIGHT + 14}" text-anchor="end">${hours.toFixed(0)} h</text>`,
  ].join("\n");
}

function total({ readySpot, readyOnDemand }: Sample): number {
  return readySpot + readyOnDemand;
}

/** Only where the drawn height changes, so that weeks stay a small file. */
function stepPath(samples: readonly Sample[], x: (at: number) => string, y: (sample: Sample) => string): string {
  let path = "";
  let height: string | null = null;
  for (const sample of samples) {
    const next = y(sample);
    if (height === null) path = `M${x(sample.at)} ${next}`;
    else if (next !== height) path += `H${x(sample.at)}V${next}`;
    height = next;
  }
  return path;
}
