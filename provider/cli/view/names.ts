import type { ServiceView } from "./service";

/** How services are told apart where several are shown. */
export interface Names {
  /** Head and cells of the columns that say whose a row is. */
  head(title: string): string[];
  cells(service: Named): string[];
  /** What stands before a sentence about it. */
  prefix(service: Named): string;
}

type Named = Pick<ServiceView, "name" | "project" | "stack" | "identity">;

/** By name; where stacks have services of the same name, by project and stack as well. */
export function namesOf(services: readonly Named[]): Names {
  const known = new Set<string>();
  const twice = new Set<string>();
  for (const { name } of services) (known.has(name) ? twice : known).add(name);
  const alike = twice.size > 0;
  return {
    head: (title) => (alike ? [title, "STACK"] : [title]),
    cells: ({ name, project, stack }) => (alike ? [name, `${project}/${stack}`] : [name]),
    prefix: ({ name, identity }) => (twice.has(name) ? identity : name),
  };
}
