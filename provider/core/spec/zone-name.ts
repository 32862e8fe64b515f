/**
 * How a zone is named where a service has several targets: by itself in the service's own target, `<target>/<zone>` in
 * each further one. No zone and no target has a slash in its own name.
 */
export function zoneName(target: string | null, zone: string): string {
  return target === null ? zone : `${target}/${zone}`;
}

/** Null: the service's own. */
export function targetOfZone(name: string): string | null {
  const slash = name.indexOf("/");
  return slash < 0 ? null : name.slice(0, slash);
}

/** As its target names it. */
export function zoneInTarget(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}
