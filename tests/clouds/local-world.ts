import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { failLaunches, killReplica, openLocalCloud, readCloudFile, SERVICE_TAG } from "../../provider/clouds/local";
import { packWorkdir } from "../../provider/host/workdir";
import { killChildren } from "../store/children";
import { makeFolder, removeFolders } from "../store/folders";
import type { CloudHarness } from "./conformance";

const SERVER = `
require("node:http").createServer((_, response) => response.end(JSON.stringify(process.env)))
  .listen(Number(process.env.PORT), "127.0.0.1");
`;

let uid = 0;

/** A local cloud of its own: a service folder and the file that plays the cloud. */
export interface World extends CloudHarness {
  serviceFolder: string;
  cloudFile: string;
  uid: string;
  warnings: string[];
}

export function makeWorld(): World {
  const serviceFolder = makeFolder();
  const cloudFile = join(makeFolder(), "cloud.json");
  const warnings: string[] = [];
  const tag = `test-${process.pid}-${++uid}`;
  const open = () =>
    openLocalCloud({ serviceFolder, cloudFile, uid: tag, service: "p/s/chat", warn: (line) => warnings.push(line) });
  return {
    serviceFolder,
    cloudFile,
    uid: tag,
    warnings,
    open,
    takeAway: async (id) => void (await killReplica(serviceFolder, id)),
    failNextLaunch: async (code) => {
      const zones = (await readCloudFile(cloudFile)).zones.length;
      await failLaunches(cloudFile, { code, times: code === "NoCapacity" ? zones : 1 });
    },
    reach: ({ address }) => fetchText(address!),
    dispose: async () => {
      await killChildren();
      await open().purge();
      assert.deepEqual(processesTagged(tag), [], "processes were left behind");
      removeFolders();
    },
  };
}

function fetchText({ host, port }: { host: string; port: number }): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = get({ host, port, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(text));
    });
    asked.on("error", () => resolve(null));
  });
}

/** The pids of a service's processes. */
export function processesTagged(tag: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`${SERVICE_TAG}=${tag}\0`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A workdir whose `server.js` answers with its environment as JSON. */
export function serverWorkdir(): () => Promise<NodeJS.ReadableStream> {
  return async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "server.js"), SERVER);
    return packWorkdir(folder);
  };
}
