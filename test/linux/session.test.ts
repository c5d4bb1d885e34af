/**
 * A whole session with a stock kernel, as an editor has it: stops, symbols, page tables and CSRs, steps in both directions,
 * from a line of output back to what printed it, and the same again from the recording.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { debian } from "./boot.ts";
import { DapClient, type Stopped } from "./dap-client.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-session-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recording = join(folder, "session.hindcast");
/** Steps over instructions from the beginning of kernel_init to behind its first call. */
const PAST_FIRST_CALL = 12;

/** What a hart holds: must be the same whenever somebody comes by. */
interface State {
  readonly instant: number;
  readonly registers: ReadonlyMap<string, string>;
  readonly csrs: ReadonlyMap<string, string>;
}

async function stateAt(client: DapClient, { threadId, text }: Stopped): Promise<State> {
  const [{ id }] = await client.stack(threadId!);
  return {
    instant: instantOf(text),
    registers: await client.variables(id, "Registers"),
    csrs: await client.variables(id, "CSRs", "Supervisor"),
  };
}

function instantOf(text = ""): number {
  return Number(/[Ii]nstant ([\d,]+)/.exec(text)![1].replaceAll(",", ""));
}

async function breakAt(client: DapClient, ...names: string[]): Promise<void> {
  const args = { breakpoints: names.map((name) => ({ name })) };
  const { breakpoints } = await client.request<{ breakpoints: { verified: boolean }[] }>(
    "setFunctionBreakpoints",
    args,
  );
  assert.ok(breakpoints.every(({ verified }) => verified));
}

/** To the instant at which the guest printed the first byte of a text. */
async function toOutput(client: DapClient, text: string): Promise<Stopped> {
  const offset = client.console.indexOf(text);
  assert.ok(offset >= 0, `${text} was not printed`);
  return client.move("hindcast/instantOfOutput", { offset, seek: true });
}

const names = async (client: DapClient, threadId: number) =>
  (await client.stack(threadId)).map(({ name }) => name.replace(/\+0x\w+/, "").replace(" (guess)", ""));

let atInit: State;
let atPrint: State;

test("a session with Debian on two harts", async (context) => {
  const client = new DapClient();
  try {
    const { kernel, initrd, symbols } = debian();
    await client.launch({
      ...{ kernel, initrd, symbolFiles: [symbols], harts: 2, recordTo: recording, console: "integratedTerminal" },
      append: "console=ttyS0 hindcast=poweroff",
    });
    await breakAt(client, "kernel_init");
    await client.request("configurationDone");
    const stopped = await client.event<Stopped>("stopped");
    const thread = stopped.threadId!;

    await context.test("stops at a kernel function; harts are threads; the stack has names", async () => {
      assert.equal(stopped.reason, "function breakpoint");
      const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
      assert.deepEqual(
        threads.map(({ name }) => name),
        ["hart 0", "hart 1"],
      );
      // A kernel thread begins there: no trap led to it.
      assert.deepEqual(await names(client, thread), ["kernel_init", "ret_from_fork"]);
    });

    await context.test("page tables, translations and CSRs with their fields", async () => {
      assert.match(await client.evaluate("translate($sp)"), /^0x[0-9a-f]+ \(Sv\d\d, page of 4 KiB\)/);
      assert.match(
        await client.evaluate("pagetable($pc)"),
        /in Sv\d\d:\n {2}level[\s\S]*V R - X[\s\S]*physical address 0x/,
      );
      atInit = await stateAt(client, stopped);
      assert.match(atInit.csrs.get("satp")!, /MODE=Sv\d\d/);
      assert.match(atInit.csrs.get("stvec")!, /<handle_exception>/);
      const [{ id }] = await client.stack(thread);
      assert.ok((await client.variables(id, "CSRs", "Supervisor", "sstatus")).has("SPP"));
    });

    await context.test("steps over, into and back, and over a call that waits for another thread", async () => {
      const step = (command: string) => client.move(command, { threadId: thread, granularity: "instruction" });
      const { instant } = atInit;
      assert.equal(instantOf((await step("stepIn")).text), instant + 1);
      assert.equal(instantOf((await step("stepBack")).text), instant);
      let last = stopped;
      for (let count = 0; count < PAST_FIRST_CALL; count++) {
        last = await step("next");
        assert.equal((await names(client, last.threadId!))[0], "kernel_init");
      }
      assert.ok(instantOf(last.text) > instant + PAST_FIRST_CALL, "a call was passed");
    });

    await context.test("a data breakpoint on a variable that is known by its name alone", async () => {
      const { dataId } = await client.request<{ dataId: string }>("dataBreakpointInfo", { name: "jiffies" });
      await client.request("setDataBreakpoints", { breakpoints: [{ dataId, accessType: "write" }] });
      const hit = await client.move("continue");
      assert.equal(hit.reason, "data breakpoint");
      assert.match(hit.text!, /do_timer|tick/);
      await client.request("setDataBreakpoints", { breakpoints: [] });
    });

    await context.test("to the end, and back to what printed a line", async () => {
      await breakAt(client);
      const end = await client.move("continue");
      assert.equal(end.reason, "guest finished", end.text);
      assert.match(client.console.toString(), /HINDCAST: ready/);
      const printing = await toOutput(client, "Run /init as init process");
      const stack = await names(client, printing.threadId!);
      for (const name of ["_printk", "run_init_process", "kernel_init"]) assert.ok(stack.includes(name), `${stack}`);
      atPrint = await stateAt(client, printing);
      assert.equal((await client.memory(await address("linux_banner"), 13)).toString(), "Linux version");
    });

    await context.test("a user program's memory and page tables, from inside its system call", async () => {
      await toOutput(client, "HINDCAST: init");
      await breakAt(client, "do_trap_ecall_u");
      const call = await client.move("reverseContinue");
      const frames = await client.stack(call.threadId!);
      const user = frames.findIndex(({ name }) => name.includes("Environment call from U-mode"));
      assert.ok(user > 0, frames.map(({ name }) => name).join(", "));
      const pc = (await client.evaluate("sepc")).split(" ")[0];
      // ecall
      assert.equal((await client.memory(pc, 4)).readUInt32LE(), 0x73);
      assert.match(await client.evaluate(`pagetable(${pc})`), /V R - X U[\s\S]*page/);
    });

    await context.test("backwards through the whole boot to the same state", async () => {
      await breakAt(client, "kernel_init");
      const again = await client.move("reverseContinue");
      assert.equal(again.reason, "function breakpoint");
      assert.deepEqual(await stateAt(client, again), atInit);
    });

    async function address(name: string): Promise<string> {
      return (await client.evaluate(name)).split(" ")[0];
    }
    await client.request("disconnect");
  } finally {
    await client.end();
  }
});

test("its recording opens and leads to the same instants with the same registers", async () => {
  const client = new DapClient();
  try {
    await client.launch({ recording, stopOnEntry: true });
    await client.request("configurationDone");
    await client.event("stopped");
    for (const expected of [atPrint, atInit]) {
      const there = await client.move("hindcast/seek", { instant: expected.instant });
      assert.deepEqual(await stateAt(client, there), expected);
    }
    await client.request("disconnect");
  } finally {
    await client.end();
  }
});
