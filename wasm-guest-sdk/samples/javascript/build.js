// Makes `out/counter.wasm`: `npm install && npm run build`.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const { component } = await componentize(await readFile("counter.js", "utf8"), {
  witPath: "../../wit",
  worldName: "process",
  // What a process has no use for; each would import a part of WASI.
  disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
});
await mkdir("out", { recursive: true });
await writeFile("out/counter.wasm", component);
await writeFile("out/counter.sha256", "sha256:" + createHash("sha256").update(component).digest("hex"));
