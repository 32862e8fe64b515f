import type { Sample } from "./sample";

/** What a run of a day may leave more than a third of it did: compiled code and buffers, not what counts up. */
const HEAP_MB = 3;
const RSS_MB = 40;

/** Classes of which there is one for a request or a connection of a client. */
const OF_CLIENTS = /^Exchange$|Request$|Connection$|Reader$/;

/** Sentences about what is left of a day and must not be; the first look is what the others are compared with. */
export function findingsOf(
  samples: readonly Sample[],
  { failed, routed, clients }: { failed: number; routed: number; clients: number },
): string[] {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const findings: string[] = [];
  const expect = (holds: boolean, sentence: string): void => {
    if (!holds) findings.push(sentence);
  };
  expect(failed === 0, `${failed} requests failed`);
  // The connections to replicas that wait for their next request are as many as clients were at most at once.
  const connections = routed * clients;
  for (const { hour, objects, haproxy } of samples) {
    const at = `after ${hour} hours`;
    const { UpstreamConnection: upstream = 0, ...others } = objects;
    expect(upstream <= connections, `${upstream} connections to replicas are held ${at}`);
    for (const [name, count] of Object.entries(others))
      expect(count === 0 || !OF_CLIENTS.test(name), `${count} of the class ${name} are held ${at}`);
    if (haproxy === null) continue;
    expect(haproxy.processes === 1, `${haproxy.processes} HAProxy processes run ${at}`);
  }
  expect(last.objects["Member"]! <= routed, `${last.objects["Member"]} replicas are held, and ${routed} are routed`);
  expect(last.sockets <= first.sockets + connections, `sockets went from ${first.sockets} to ${last.sockets}`);
  expect(last.timers <= first.timers + routed * 2, `timers went from ${first.timers} to ${last.timers}`);
  expect(last.heapMB <= first.heapMB + HEAP_MB, `the heap went from ${first.heapMB} to ${last.heapMB} MB`);
  expect(last.rssMB <= first.rssMB + RSS_MB, `resident memory went from ${first.rssMB} to ${last.rssMB} MB`);
  if (first.haproxy === null || last.haproxy === null) return findings;
  const [before, after] = [first.haproxy, last.haproxy];
  expect(after.servers === routed, `HAProxy has ${after.servers} servers, and ${routed} are routed`);
  expect(after.rssMB <= before.rssMB + RSS_MB, `HAProxy's memory went from ${before.rssMB} to ${after.rssMB} MB`);
  expect(
    after.fileDescriptors <= before.fileDescriptors + connections,
    `HAProxy's files and sockets went from ${before.fileDescriptors} to ${after.fileDescriptors}`,
  );
  expect(after.files <= before.files, `HAProxy's files went from ${before.files} to ${after.files}`);
  return findings;
}
