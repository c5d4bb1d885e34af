import type { DebugProtocol } from "@vscode/debugprotocol";
import type { DisassembledLine } from "../debuggee/protocol.ts";
import type { Client } from "./client.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import { addressUse, fromBase64, fromReference, toBase64, toPhysicalReference, toReference } from "./references.ts";
import type { Sources } from "./sources.ts";

/** Memory views show a screenful; a client that wants more can ask again. */
const READ_LIMIT_BYTES = 16 * 2 ** 20;
const DISASSEMBLE_LIMIT = 100_000;
/** Ranges that the client looks at and is told about when the machine moves; as many as fit on a screen. */
const WATCHED_LIMIT = 32;

interface Range {
  readonly reference: string;
  readonly offset: number;
  readonly count: number;
}

function unique(ranges: readonly Range[]): Iterable<Range> {
  return new Map(ranges.map((range) => [`${range.reference}+${range.offset}:${range.count}`, range])).values();
}

/** Memory and disassembly. */
export class Memory {
  readonly #client: Client;
  readonly #sources: Sources;
  /** What the client has read since it was last told that memory changed, by where; it probably shows it. */
  readonly #shown = new Map<string, Range>();

  constructor(client: Client, sources: Sources) {
    this.#client = client;
    this.#sources = sources;
  }

  async read(
    debuggee: Debuggee,
    { memoryReference, offset, count }: DebugProtocol.ReadMemoryArguments,
  ): Promise<DebugProtocol.ReadMemoryResponse["body"]> {
    const address = fromReference(memoryReference, offset ?? 0);
    const wanted = Math.min(Math.max(count, 0), READ_LIMIT_BYTES);
    const bytes =
      wanted === 0 ? new Uint8Array() : await debuggee.readMemory(address, wanted, addressUse(memoryReference));
    this.#remember({ reference: memoryReference, offset: offset ?? 0, count });
    const unreadableBytes = count - bytes.length;
    return {
      address: addressUse(memoryReference) === "physical" ? toPhysicalReference(address) : toReference(address),
      ...(unreadableBytes > 0 ? { unreadableBytes } : {}),
      data: toBase64(bytes),
    };
  }

  async write(
    debuggee: Debuggee,
    { memoryReference, offset, data, allowPartial }: DebugProtocol.WriteMemoryArguments,
  ): Promise<DebugProtocol.WriteMemoryResponse["body"]> {
    const bytes = fromBase64(data);
    const address = fromReference(memoryReference, offset ?? 0);
    if (!allowPartial) {
      // All or nothing: the debuggee writes as far as memory goes, so ask first how far that is.
      const { length } = await debuggee.readMemory(address, bytes.length, addressUse(memoryReference));
      if (length < bytes.length) throw errors.notWritable(toReference(address + BigInt(length)));
    }
    return { bytesWritten: await debuggee.writeMemory(address, bytes, addressUse(memoryReference)) };
  }

  /** The machine moved: views of memory are stale. */
  moved(): void {
    if (!this.#client.supportsMemoryEvents) return;
    for (const { reference, offset, count } of this.#shown.values()) {
      this.#client.event("memory", { memoryReference: reference, offset, count });
    }
    this.#shown.clear();
  }

  /** Somebody edited `length` bytes at `address`. */
  edited(address: bigint, length: number): void {
    if (!this.#client.supportsMemoryEvents) return;
    const edited: Range = { reference: toReference(address), offset: 0, count: length };
    const touched = [...this.#shown.values()].filter(({ reference, offset, count }) => {
      const start = fromReference(reference, offset);
      return start < address + BigInt(length) && address < start + BigInt(count);
    });
    for (const { reference, offset, count } of unique([edited, ...touched])) {
      this.#client.event("memory", { memoryReference: reference, offset, count });
    }
  }

  async disassemble(
    debuggee: Debuggee,
    { memoryReference, offset, instructionOffset, instructionCount }: DebugProtocol.DisassembleArguments,
  ): Promise<DebugProtocol.DisassembledInstruction[]> {
    const count = Math.min(Math.max(instructionCount, 0), DISASSEMBLE_LIMIT);
    const address = fromReference(memoryReference, offset ?? 0);
    const lines = await debuggee.disassemble(address, instructionOffset ?? 0, count);
    let file: string | undefined;
    return lines.map((line) => {
      const instruction = this.#toClient(line, file);
      file = line.source?.path ?? file;
      return instruction;
    });
  }

  /** @param file the file of the instruction before: DAP wants a source only when it changes. */
  #toClient(line: DisassembledLine, file: string | undefined): DebugProtocol.DisassembledInstruction {
    const place = line.source === undefined ? undefined : this.#sources.placeOf(line.source);
    return {
      address: toReference(line.address),
      instruction: line.text,
      ...(line.bytes === "" ? {} : { instructionBytes: line.bytes }),
      ...(line.symbol === undefined ? {} : { symbol: line.symbol }),
      ...(place === undefined || line.source?.path === file ? {} : { location: place.source }),
      ...(place === undefined ? {} : { line: place.line, column: place.column }),
      ...(line.valid ? {} : { presentationHint: "invalid" as const }),
    };
  }

  #remember(range: Range): void {
    this.#shown.set(`${range.reference}+${range.offset}`, range);
    if (this.#shown.size > WATCHED_LIMIT) this.#shown.delete(this.#shown.keys().next().value!);
  }
}
