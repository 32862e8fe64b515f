import { sentenceOf, ServeError } from "../../core/errors";

export function launchFailed(replicaId: string, why: string, cause?: unknown): ServeError {
  return new ServeError({
    code: "LaunchFailed",
    scope: "account",
    retryable: true,
    reasons: [`The process of replica ${replicaId} could not be started on this computer: ${why}`],
    cause,
  });
}

/** For what goes wrong on this computer's disk or process table; what has a sentence already keeps it. */
export function asLaunchError(replicaId: string, error: unknown): ServeError {
  return error instanceof ServeError ? error : launchFailed(replicaId, sentenceOf(error), error);
}

export function alreadyEnded(replicaId: string): ServeError {
  return new ServeError({
    code: "InvalidInput",
    scope: "input",
    reasons: [`Replica ${replicaId} was ended, and an id never runs twice: launch a replica with a new id.`],
  });
}

export function undying(pids: readonly number[]): ServeError {
  return new ServeError({
    code: "ReplicaFailed",
    scope: "account",
    retryable: true,
    reasons: [`Processes ${pids.join(", ")} of this service do not end although they were killed: see \`ps\` for why.`],
  });
}

/** Its port and zone are not known any more; what runs goes on until it is ended. */
export function damagedRecord(replicaId: string, file: string): ServeError {
  return launchFailed(replicaId, `its record ${file} is damaged; another replica must be launched.`);
}
