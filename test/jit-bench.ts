import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { DEFAULT_CONFIGURATION } from "../src/machine/configuration.ts";
import { Machine } from "../src/machine/machine.ts";
import { readElf } from "../src/symbols/elf.ts";
import { compileGuest } from "./differential/cross-compiler.ts";

const names = (process.argv[2] ?? "integer,memory,calls").split(",");
const engines = (process.argv[3] ?? "interpreter,auto").split(",");
for (const name of names) {
  const rounds = { integer: 6000, memory: 1000, calls: 8000 }[name]! * Number(process.argv[4] ?? 1);
  const { path } = compileGuest(name, "O2", { folder: "bench", defines: { ROUNDS: rounds } });
  const elf = readElf(readFileSync(path), path, {
    inflate: () => {
      throw 0;
    },
  } as never);
  for (const engine of engines) {
    if (engine === "qemu") {
      const t = performance.now();
      spawnSync("qemu-system-riscv64", ["-machine", "virt", "-nographic", "-bios", "none", "-kernel", path]);
      console.log(name, "qemu", ((performance.now() - t) / 1000).toFixed(2), "s");
      continue;
    }
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, startTime: 0 }, engine as never);
    machine.load(elf as never);
    const t = performance.now(),
      c = process.cpuUsage();
    let stop;
    do {
      stop = machine.run((machine.instant + 50e6) as never, { departing: true });
    } while (stop.kind === "reached");
    const s = (performance.now() - t) / 1000,
      u = process.cpuUsage(c).user / 1e6;
    console.log(
      name,
      engine,
      stop,
      machine.instant / 1e6,
      "M",
      s.toFixed(2),
      "s",
      (machine.instant / s / 1e6).toFixed(0),
      "MIPS",
      "cpu",
      u.toFixed(2),
      machine.digest(),
    );
  }
}
