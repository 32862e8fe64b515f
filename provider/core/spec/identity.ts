/** Who a service is: deterministic, so that what carries its tag can be found again without any record. */
export function serviceIdentity(owner: { project: string; stack: string; name: string }): string {
  return `${owner.project}/${owner.stack}/${owner.name}`;
}

/** The way back. Only the name, which comes last, may have a slash in it. */
export function ownerOf(identity: string): { project: string; stack: string; name: string } {
  const [project = "", stack = "", ...name] = identity.split("/");
  return { project, stack, name: name.join("/") };
}

export function serviceResourceId(identity: string, incarnation: number): string {
  return `${identity}/${incarnation}`;
}

export function poolResourceId(identity: string, pool: string, incarnation: number): string {
  return `${identity}/pools/${pool}/${incarnation}`;
}

export function rolloutResourceId(identity: string, rollout: string, incarnation: number): string {
  return `${identity}/rollouts/${rollout}/${incarnation}`;
}

/** Which create an id stems from: a delete with an older one than the newest must do nothing. */
export function incarnationOf(resourceId: string): number {
  return Number(resourceId.slice(resourceId.lastIndexOf("/") + 1));
}
