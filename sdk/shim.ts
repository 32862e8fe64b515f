/**
 * What Pulumi keeps in the state as `__provider` and runs later, as CommonJS text, in a process of its own. It captures
 * nothing and requires the compiled handlers only inside a method body, so the text stays the same from release to
 * release (another text would be an update of every resource) and old state runs new code.
 *
 * It is written here as text, in the form that the dynamic-provider process has to understand for the sake of every
 * state there is, and not made by Pulumi's closure serializer: that costs each preview half a second and 200 bytes a method.
 * tests/sdk/shim.golden.txt holds it fast.
 */
export function shim(type: "ServeService" | "ReplicaPool" | "Rollout"): string {
  return `const load = () => {
  try {
    return require("pulumi-serve/provider").handlers.${type};
  } catch (e) {
    if (e.code !== "MODULE_NOT_FOUND") throw e;
    throw new Error("pulumi-serve cannot be loaded from " + process.cwd() + ": run npm install pulumi-serve there. " + e.message);
  }
};
exports.handler = () => ({
  check: async (olds, news) => load().check(olds, news),
  diff: async (id, olds, news) => load().diff(id, olds, news),
  create: async (inputs) => load().create(inputs),
  read: async (id, props) => load().read(id, props),
  update: async (id, olds, news) => load().update(id, olds, news),
  delete: async (id, props) => load().delete(id, props),
});
`;
}
