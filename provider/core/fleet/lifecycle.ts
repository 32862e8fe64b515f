import type { Draft } from "../draft";
import type { LaunchFailure, Observed, ObservedVm, ProbeReading } from "../observed";
import type { ReadinessSpec, PoolSpec } from "../spec/pool";
import type { Replica } from "../state";
import { isNoticed, sideOf } from "./census";
import { beginDrain } from "./drain";
import { noteCapacityWait, noteFailure, noteSuccess } from "./failures";
import { isBack, isGone } from "./missing";
import { endOrphans } from "./orphans";
import { hasOtherPlaces, remember } from "./places";
import { restartNow, revisionAfterDrain, tellsOfEarlierProgram } from "./restart";
import { isConfigured } from "./user-config";

/** A replica that failed its probes for this long is replaced instead of waited for. */
const NOT_READY_LIMIT_MS = 30_000;
/** A replacement that may be launched by now is there after this long, or the cloud has nothing to give. */
const LAUNCH_DUE_MS = 5_000;

/** What the last look says about each replica we journalled, and about VMs that nobody journalled. */
export function followReplicas(draft: Draft, observed: Observed): void {
  const vms = observed.vms === null ? null : byReplica(observed.vms);
  let known = 0;
  for (const replica of draft.replicas()) {
    const vm = vms?.get(replica.id);
    if (vm !== undefined) known += 1;
    const seen = vms === null ? replica : followListing(draft, replica, vm, observed);
    if (seen !== null) followHealth(draft, seen, observed);
  }
  // After the look at the VMs: one that is there was launched, whatever the answer said.
  for (const failure of observed.launchErrors) followFailedLaunch(draft, failure, observed);
  // All that is listed is ours: to look for orphans would be another look at each.
  if (vms !== null && (known < vms.size || draft.state.orphans.length > 0)) endOrphans(draft, vms, observed);
}

function byReplica(listing: readonly ObservedVm[]): Map<string, ObservedVm> {
  const vms = new Map<string, ObservedVm>();
  for (const vm of listing) vms.set(vm.replicaId, vm);
  return vms;
}

function followFailedLaunch(draft: Draft, failure: LaunchFailure, observed: Observed): void {
  const { replicaId, scope, code, message } = failure;
  const replica = draft.replica(replicaId);
  if (replica?.status !== "launching") return;
  if (hasOtherPlaces(draft, replica, scope, observed))
    remember(draft, replica, { kind: "refused", scope, reason: message });
  else if (scope === "zoneAndType" || scope === "market" || scope === "account")
    noteCapacityWait(draft, replica, message);
  else noteFailure(draft, replica, message, "once");
  if (scope === "zoneAndType" || scope === "market" || scope === "fatal") {
    // The cloud has said why it will not: it has made nothing.
    draft.say({ kind: "launchFailed", replica: replicaId, code, reason: message });
    draft.forget(replicaId);
  } else {
    // It may have been the answer that was lost: the VM may be there or come yet. It is counted until it is seen to be gone.
    end(draft, replica, `its launch failed: ${message}`);
  }
}

/** A replica that the listing leaves out is not gone for that alone. Null when it is. */
function followListing(draft: Draft, replica: Replica, vm: ObservedVm | undefined, observed: Observed): Replica | null {
  if (vm !== undefined) return followVm(draft, isBack(draft, replica), vm);
  switch (replica.status) {
    case "launching":
      return followUnseenLaunch(draft, replica);
    case "terminating":
      return ended(draft, replica);
    case "restarting":
    case "starting":
    case "ready":
    case "notReady":
    case "draining":
      return isGone(draft, replica, observed) ? lose(draft, replica, null) : draft.replica(replica.id)!;
  }
}

/**
 * Asked for again, which makes no second VM. For so long: a VM that came and went while nobody looked is listed no more,
 * and its id never runs again.
 */
function followUnseenLaunch(draft: Draft, replica: Replica): Replica | null {
  const pool = draft.state.pools[replica.pool];
  const side = sideOf(pool, replica);
  const spec = side === "stale" ? null : pool![side];
  if (spec === null || withinGrace(draft, replica, spec)) return replica;
  const { startupGraceSeconds } = spec.readiness;
  const reason = `the cloud showed no VM for it within startupGraceSeconds (${startupGraceSeconds} s)`;
  noteCapacityWait(draft, replica, reason);
  end(draft, replica, reason);
  return null;
}

/** Null when the replica is gone. */
function followVm(draft: Draft, replica: Replica, vm: ObservedVm): Replica | null {
  const gone = vm.state === "ended";
  switch (replica.status) {
    case "launching": {
      draft.say({ kind: "replicaStarting", replica: replica.id, zone: vm.zone });
      const starting = draft.patchReplica(replica.id, {
        status: "starting",
        // Its grace begins when it is there: while nobody could look, nobody could probe it either.
        startedAt: draft.now,
        address: vm.address,
        zone: vm.zone,
        market: vm.market,
      });
      return gone ? lose(draft, starting, vm) : starting;
    }
    case "terminating":
      return gone ? ended(draft, replica) : replica;
    case "restarting": {
      if (tellsOfEarlierProgram(replica, vm)) return replica;
      if (vm.restarts < replica.restarts) return gone ? lose(draft, replica, vm) : replica;
      draft.say({ kind: "replicaStarting", replica: replica.id, zone: vm.zone });
      const starting = draft.patchReplica(replica.id, { status: "starting" });
      return gone ? lose(draft, starting, vm) : starting;
    }
    case "starting":
    case "ready":
    case "notReady":
    case "draining":
      if (tellsOfEarlierProgram(replica, vm)) return replica;
      return gone ? lose(draft, replica, vm) : replica;
  }
}

function ended(draft: Draft, replica: Replica): null {
  draft.say({ kind: "replicaEnded", replica: replica.id });
  draft.forget(replica.id);
  return null;
}

function lose(draft: Draft, replica: Replica, vm: ObservedVm | null): null {
  const exit = vm?.exit ?? null;
  const reason = exit === null ? "the VM is gone" : describeExit(exit);
  draft.say({ kind: "replicaLost", replica: replica.id, reason });
  // A machine that was taken is the world's doing; a program that ended itself is a failure of its revision.
  if (exit !== null && !exit.lost && replica.status !== "draining") noteFailure(draft, replica, reason, "once");
  // Of one under notice the same was noted when it was told.
  if (!isNoticed(replica)) remember(draft, replica, { kind: "lost", taken: exit === null || exit.lost });
  draft.forget(replica.id);
  // Clears what the cloud keeps about it and leaves the tombstone, so that no late duplicate of the launch revives it.
  draft.act({ kind: "terminate", replicaId: replica.id, reason });
  return null;
}

export function describeExit(exit: NonNullable<ObservedVm["exit"]>): string {
  const how = exit.signal !== null ? `was killed by ${exit.signal}` : `ended with exit code ${exit.code ?? "unknown"}`;
  const what = exit.phase === "setup" ? "setup" : exit.phase === "run" ? "run" : "the boot";
  const last = exit.lastLines.length > 0 ? `; its last words: ${exit.lastLines.join(" | ")}` : "";
  return `${what} ${how}${last}`;
}

function followHealth(draft: Draft, replica: Replica, observed: Observed): void {
  const pool = draft.state.pools[replica.pool];
  const side = sideOf(pool, replica);
  const spec = side === "stale" ? null : pool![side];
  const reading = observed.probes[replica.id];
  if (reading === undefined) draft.unprobed.push(replica.id);
  switch (replica.status) {
    case "starting":
      if (spec !== null) followStart(draft, replica, spec, reading);
      break;
    case "notReady":
      if (spec !== null) followRecovery(draft, replica, spec, reading);
      break;
    case "ready":
      if (spec !== null && reading !== undefined) followReadiness(draft, replica, spec.readiness, reading);
      break;
    case "draining":
      followDrain(draft, replica, observed);
      break;
    case "restarting":
      if (spec !== null) followRestart(draft, replica, spec);
      break;
    case "launching":
    case "terminating":
      break;
  }
}

function followStart(draft: Draft, replica: Replica, spec: PoolSpec, reading: ProbeReading | undefined): void {
  if (passes(draft, replica, spec, reading)) return;
  const { startupGraceSeconds, path } = spec.readiness;
  if (withinGrace(draft, replica, spec)) return noteProbeError(draft, replica.id, spec.readiness, reading);
  const grace = `within startupGraceSeconds (${startupGraceSeconds} s)`;
  const { userConfig } = spec;
  // Probes that pass leave only the userConfig to wait for.
  const reason =
    userConfig !== null && draft.replica(replica.id)!.passingSince !== null
      ? `it gave no answer to the userConfig (${userConfig.method} ${userConfig.path}) ${grace}`
      : `readiness path ${path} never succeeded ${grace}; last: ${reading?.lastError ?? "no answer"}`;
  noteFailure(draft, replica, reason, "enough");
  end(draft, replica, reason);
}

/** A grace may be ten minutes long, and whoever looks meanwhile shall see what it waits for. */
function noteProbeError(draft: Draft, id: string, readiness: ReadinessSpec, reading: ProbeReading | undefined): void {
  if (reading === undefined) return;
  const { consecutiveFailures, lastError } = reading;
  // The first ones only say that the program has just been started.
  if (consecutiveFailures > 0 && consecutiveFailures < readiness.failureThreshold) return;
  const failing = `readiness path ${readiness.path} has not succeeded yet; last: ${lastError ?? "no answer"}`;
  const reason = consecutiveFailures === 0 ? null : failing;
  if (reason !== draft.replica(id)!.reason) draft.patchReplica(id, { reason });
}

/** A cloud that cannot replace the program keeps the rollout waiting no longer than a program that never gets ready. */
function followRestart(draft: Draft, replica: Replica, spec: PoolSpec): void {
  if (withinGrace(draft, replica, spec)) return;
  const { startupGraceSeconds } = spec.readiness;
  const reason = `its program could not be replaced on its VM within startupGraceSeconds (${startupGraceSeconds} s)`;
  noteFailure(draft, replica, reason, "enough");
  end(draft, replica, reason);
}

function withinGrace(draft: Draft, replica: Replica, { readiness }: PoolSpec): boolean {
  return draft.now - replica.startedAt <= readiness.startupGraceSeconds * 1000;
}

function followRecovery(draft: Draft, replica: Replica, spec: PoolSpec, reading: ProbeReading | undefined): void {
  if (passes(draft, replica, spec, reading)) return;
  const since = replica.notReadySince ?? draft.now;
  if (draft.now - since <= NOT_READY_LIMIT_MS || waitsItsTurn(draft, replica)) return;
  // Whoever has just taken over has probed nobody yet, and it may be long ago that its predecessor did.
  if (reading === undefined || reading.consecutiveFailures === 0) return;
  const reason = `${replica.reason ?? "its probes failed"} and it did not recover within ${NOT_READY_LIMIT_MS / 1000} s`;
  noteFailure(draft, replica, reason, "enough");
  // Without anybody better it is still in the routing, and it may have requests running from before.
  beginDrain(draft, replica, reason, { kind: "end" });
}

/**
 * While nobody of the pool is ready, its replicas are replaced one at a time. What all of them miss may come back, and
 * then those that are there serve at once, where new ones would have to start first; until then they are whom requests
 * are tried at. As soon as a new one is ready, starting anew helps, and the others follow.
 */
function waitsItsTurn(draft: Draft, { pool }: Replica): boolean {
  const { primary, canary, stale } = draft.census()[pool]!;
  const others = [primary, canary, stale].flatMap(({ all }) => all);
  if (others.some(({ status }) => status === "ready")) return false;
  const { failures } = draft.pool(pool);
  if (failures !== null && draft.now < failures.retryAt + LAUNCH_DUE_MS) return true;
  return others.some(({ status }) => status !== "notReady");
}

/** Makes the replica ready when its probes have passed for long enough and, at a start, it has taken its userConfig. */
function passes(draft: Draft, replica: Replica, spec: PoolSpec, reading: ProbeReading | undefined): boolean {
  const passing = reading !== undefined && reading.consecutiveSuccesses >= spec.readiness.successThreshold;
  if (!passing) {
    if (replica.passingSince !== null) draft.patchReplica(replica.id, { passingSince: null });
    return false;
  }
  const since = replica.passingSince ?? Math.min(reading.passingSince ?? draft.now, draft.now);
  const configured = replica.status !== "starting" || isConfigured(replica, spec);
  if (!configured || draft.now - since < spec.minReadySeconds * 1000) {
    if (replica.passingSince === null) draft.patchReplica(replica.id, { passingSince: since });
    // Neither ready nor failing: the grace does not end a replica in its minReadySeconds.
    return configured;
  }
  if (replica.readyAt === null && replica.market === "spot") remember(draft, replica, { kind: "ready" });
  draft.patchReplica(replica.id, {
    status: "ready",
    passingSince: since,
    readyAt: draft.now,
    notReadySince: null,
    reason: null,
  });
  draft.say({
    kind: "replicaReady",
    replica: replica.id,
    afterSeconds: Math.round((draft.now - replica.startedAt) / 100) / 10,
  });
  return true;
}

function followReadiness(draft: Draft, replica: Replica, readiness: ReadinessSpec, reading: ProbeReading): void {
  noteSuccess(draft, replica);
  if (reading.consecutiveFailures < readiness.failureThreshold) return;
  const reason = `readiness path ${readiness.path} failed ${reading.consecutiveFailures} times in a row: ${reading.lastError ?? "no answer"}`;
  draft.patchReplica(replica.id, { status: "notReady", passingSince: null, notReadySince: draft.now, reason });
  draft.say({ kind: "replicaNotReady", replica: replica.id, reason });
  noteFailure(draft, replica, reason, "once");
}

function followDrain(draft: Draft, draining: Replica, observed: Observed): void {
  let replica = draining;
  const plane = observed.dataplane;
  // A count from before the generation that left it out says nothing: a request could still have been sent to it.
  const counted = plane !== null && replica.drainGeneration !== null && plane.generation >= replica.drainGeneration;
  if (plane === null ? mayStillBeRouted(draft, replica) : !counted) return postponeDrain(draft, replica);
  // Between the last look and this one the clock may have jumped, or the computer slept, and its requests with it.
  if (counted && replica.drainInForce !== true) {
    postponeDrain(draft, replica);
    replica = draft.patchReplica(replica.id, { drainInForce: true });
  }
  const inFlight = counted ? (plane.replicas[replica.id]?.inFlight ?? 0) : null;
  const expired = replica.drainDeadline !== null && draft.now >= replica.drainDeadline;
  if (inFlight !== 0 && !expired) return;
  const began = replica.drainSince ?? draft.now;
  draft.say({
    kind: "replicaDrained",
    replica: replica.id,
    inFlight: inFlight ?? 0,
    seconds: Math.round((draft.now - began) / 10) / 100,
  });
  const revision = revisionAfterDrain(draft, replica);
  if (revision === null) end(draft, replica, replica.reason ?? "drained");
  else restartNow(draft, replica, revision);
}

/** Nobody can be asked, and when somebody last could, it was in the routing yet. A deletion does not wait for the answer. */
function mayStillBeRouted({ state }: Draft, { drainGeneration }: Replica): boolean {
  return !state.deleting && (drainGeneration === null || state.routing.inForce < drainGeneration);
}

/** It still gets requests, so its time to finish them has not begun: after a crash that may be long after the decision. */
function postponeDrain(draft: Draft, { id, drainSince, drainDeadline }: Replica): void {
  if (drainSince === null || drainDeadline === null || drainSince === draft.now) return;
  draft.patchReplica(id, { drainSince: draft.now, drainDeadline: draft.now + drainDeadline - drainSince });
}

/** No request can be lost here: the replica either was never routed to or has been drained. */
export function end(draft: Draft, replica: Replica, reason: string): void {
  draft.patchReplica(replica.id, { status: "terminating", reason });
  draft.say({ kind: "replicaTerminating", replica: replica.id, reason });
}
