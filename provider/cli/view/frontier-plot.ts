import { frontier } from "../../core/simulate/frontier";
import type { Run } from "../../core/simulate/run";
import type { Simulation } from "../../core/simulate/simulate";

const WIDTH = 900;
const HEIGHT = 500;
const LEFT = 60;
const TOP = 30;
const COLOURS = { own: "#4c9f70", others: "#d98f3d", line: "#333333" };
/** Below it nobody would run a service; what is there is drawn on the edge. */
const LEAST = 0.95;

/** Availability against cost: a dot a policy, and a line through those that no other one beats. */
export function frontierPlot({ runs, omniscientDollars }: Simulation): string {
  const most = Math.max(...runs.map(({ dollars }) => dollars)) / omniscientDollars;
  const x = ({ dollars }: Run) => (LEFT + (WIDTH * dollars) / omniscientDollars / most).toFixed(1);
  const height = (availability: number) => (HEIGHT * (Math.max(LEAST, availability) - LEAST)) / (1 - LEAST);
  const y = (availability: number) => (TOP + HEIGHT - height(availability)).toFixed(1);
  const dots = runs.map((run) => {
    const colour = run.policy.startsWith("own") ? COLOURS.own : COLOURS.others;
    const figures = `${(100 * run.availability).toFixed(2)} % at ${(run.dollars / omniscientDollars).toFixed(3)} of Omniscient`;
    return `<circle cx="${x(run)}" cy="${y(run.availability)}" r="4" fill="${colour}"><title>${escaped(run.policy)}: ${figures}</title></circle>`;
  });
  const line = frontier(runs).map((run, index) => `${index === 0 ? "M" : "L"}${x(run)} ${y(run.availability)}`);
  const marks = [LEAST, 0.96, 0.97, 0.98, 0.99, 0.999].map(
    (share) =>
      `<text x="4" y="${y(share)}" dy="4">${(100 * share).toFixed(share === 0.999 ? 1 : 0)} %</text>` +
      `<path d="M${LEFT} ${y(share)}h${WIDTH}" stroke="#dddddd"/>`,
  );
  const omniscient = (LEFT + WIDTH / most).toFixed(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 20}" height="${TOP + HEIGHT + 40}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${LEFT}" y="18"><tspan fill="${COLOURS.own}">own</tspan>, <tspan fill="${COLOURS.others}">published</tspan>: availability against cost; below ${100 * LEAST} % on the edge</text>`,
    ...marks,
    `<path d="M${omniscient} ${TOP}v${HEIGHT}" stroke="${COLOURS.line}" stroke-dasharray="4 3"/>`,
    `<text x="${omniscient}" y="${TOP + HEIGHT + 16}" text-anchor="middle">Omniscient</text>`,
    `<text x="${LEFT + WIDTH}" y="${TOP + HEIGHT + 16}" text-anchor="end">${most.toFixed(2)} of it</text>`,
    `<path d="${line.join("")}" fill="none" stroke="${COLOURS.line}"/>`,
    ...dots,
    "</svg>\n",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
