"use strict";

/**
 * Required by every node process of the CLI in a test's workspace. Pulumi's SDK loads npm's dependency solver and the
 * TypeScript compiler at each start, in the program's process and in that of the handlers. Only the serializing of
 * functions needs them, and nothing here serializes any: they are loaded when somebody asks them for something.
 */
const Module = require("node:module");

const needless = ["@npmcli/arborist", "typescript"];
const load = Module._load;

Module._load = function (request, parent, ...rest) {
  const really = () => load.call(this, request, parent, ...rest);
  return needless.includes(request) && /[\\/]@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? "")
    ? whenAsked(really)
    : really();
};

function whenAsked(really) {
  const get = (_, name) => (name === "__esModule" ? true : really()[name]);
  return new Proxy({}, { get });
}

// The program is compiled already. Only this variable says so: older language hosts do not read Pulumi.yaml's options.
delete process.env["PULUMI_NODEJS_TYPESCRIPT"];
