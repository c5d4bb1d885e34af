import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../../src/machine/stop.ts";
import { Guest, WORKER } from "../machine/guests.ts";

/** As hosts do that forbid generated code, once the machine is made: what WebAssembly they serve themselves still runs. */
function forbidden(run: () => void): number {
  const { Module } = WebAssembly;
  let refused = 0;
  WebAssembly.Module = function refuse() {
    refused++;
    throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
  } as unknown as typeof WebAssembly.Module;
  try {
    run();
  } finally {
    WebAssembly.Module = Module;
  }
  return refused;
}

test("where no more code may be compiled the interpreter serves alone, and breakpoints stop whatever their condition", () => {
  const never: Condition = { kind: "constant", value: 0n };
  const plain = new Guest(WORKER, "interpreter");
  const guest = new Guest(WORKER, "translator");
  const put = guest.at("put");
  const stops: string[] = [];
  const refused = forbidden(() => {
    guest.stops({ breakpoints: [put], filters: new Map([[put, [{ condition: never }]]]) });
    stops.push(guest.run().kind, guest.run().kind);
    guest.stops({});
    stops.push(guest.run().kind);
  });
  plain.run();
  assert.deepEqual(stops, ["breakpoint", "breakpoint", "finished"]);
  assert.equal(guest.machine.digest(), plain.machine.digest());
  // The filter and one translation: after that nobody tries again.
  assert.equal(refused, 2);
});
