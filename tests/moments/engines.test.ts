import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { isPrompt } from "../dataplane/conformance/promptness";
import { startEngine } from "../dataplane/support/engine-process";
import { subjectOf } from "../dataplane/support/subject";

describe("the embedded data plane", () => {
  isPrompt(subjectOf(() => startEngine("embedded")));
});

describe("the HAProxy data plane", () => {
  const haproxy = findHaproxy();
  if (haproxy.kind === "found") isPrompt(subjectOf(() => startEngine("haproxy")));
  else it(`is not measured here: ${haproxy.reason}`);
});
