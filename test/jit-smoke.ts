import { Guest, WORKER } from "./machine/guests.ts";

for (const source of [WORKER]) {
  const a = new Guest(source, "interpreter");
  const b = new Guest(source, "translator");
  let at = 0;
  for (let i = 0; i < 3000; i++) {
    at += 1 + Math.floor(Math.random() * 3000);
    const x = a.run(at),
      y = b.run(at);
    if (a.machine.digest() !== b.machine.digest() || x.kind !== y.kind) {
      console.log(
        "DIFFER",
        at,
        x,
        y,
        a.machine.instant,
        b.machine.instant,
        a.machine.harts[0].pc.toString(16),
        b.machine.harts[0].pc.toString(16),
      );
      for (let r = 0; r < 32; r++)
        if (a.register(r) !== b.register(r)) console.log(r, a.register(r).toString(16), b.register(r).toString(16));
      process.exit(1);
    }
    if (x.kind === "finished") {
      console.log("end", at, x);
      break;
    }
  }
  console.log("ok", a.machine.instant, a.output === b.output);
}
