import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { hashingTokens } from "../../sdk/tokens";

const TOKEN = "a-token-0123456789";
const HASH = "sha256:6a4c4d5b";

function sent(tokens: unknown): Promise<unknown> {
  const { tokens: output } = hashingTokens({ tokens: tokens as string[] });
  return new Promise((resolve) => (output as pulumi.Output<unknown>).apply(resolve));
}

describe("the tokens of a balancer", () => {
  it("leave the program as hashes only, secret or not, and a hash stays what it is", async () => {
    const [plain, secret] = (await sent([TOKEN, pulumi.secret(TOKEN)])) as string[];
    assert.match(plain!, /^sha256:[0-9a-f]{64}$/);
    assert.equal(secret, plain);
    assert.deepEqual(await sent([plain]), [plain]);
  });

  it("stay secret where they were", async () => {
    const { tokens } = hashingTokens({ tokens: pulumi.secret([TOKEN]) });
    assert.equal(await pulumi.isSecret(tokens as pulumi.Output<unknown>), true);
  });

  it("that cannot be tokens are sent as what the handlers refuse, and not shown", async () => {
    const wrong = ["short", "with a blank 0123456789", "", "x".repeat(5000), 7, HASH];
    assert.deepEqual(
      await sent(wrong),
      wrong.map(() => "no token"),
    );
    assert.equal(await sent("no-list-0123456789"), "no list");
  });

  it("are not there when none are declared", () => {
    assert.deepEqual(hashingTokens({ maxQueue: 1 }), { maxQueue: 1 });
  });
});
