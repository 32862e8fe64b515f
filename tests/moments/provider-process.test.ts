import assert from "node:assert/strict";
import { ProviderProcess } from "../handlers/harness/provider-process";

describe("the provider process", () => {
  it("ends within two seconds of its engine", async () => {
    const provider = await ProviderProcess.start();
    try {
      await provider.check("ServeService", { project: "shop", stack: "dev", name: "chat" });
      const began = Date.now();
      await provider.engine.stop();
      await provider.ended;
      assert.ok(Date.now() - began < 2_500, `${Date.now() - began} ms`);
    } finally {
      await provider.close();
    }
  });
});
