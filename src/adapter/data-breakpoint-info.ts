import type { DebugProtocol } from "@vscode/debugprotocol";
import { toDataId } from "./breakpoints.ts";
import type { Debuggee } from "./environment.ts";
import { addressUse, fromReference, toReference } from "./references.ts";

type Info = DebugProtocol.DataBreakpointInfoResponse["body"];

/** A range that long is a mistake: a data breakpoint on a page is useful, one on all of memory stops at everything. */
const LENGTH_LIMIT_BYTES = 1024 * 1024;

/** Where the question looks: a container of variables, a frame, or the whole program. */
export interface Where {
  readonly variablesReference?: number | undefined;
  readonly hart: number;
  readonly level: number;
}

/**
 * Whether data can be watched, and as what. `bytes` overrides the size of what is named. Registers have no address;
 * the answer says so instead of offering something else.
 */
export async function dataBreakpointInfo(
  debuggee: Debuggee,
  { name, bytes, asAddress }: Pick<DebugProtocol.DataBreakpointInfoArguments, "name" | "bytes" | "asAddress">,
  where: Where,
): Promise<Info> {
  if (bytes !== undefined && (bytes < 1 || bytes > LENGTH_LIMIT_BYTES)) {
    return none(`A data breakpoint watches from 1 to ${LENGTH_LIMIT_BYTES} bytes.`);
  }
  if (asAddress) {
    const physical = addressUse(name) === "physical";
    return watch({ address: fromReference(name), size: bytes ?? 1, physical }, undefined);
  }
  const place = where.variablesReference
    ? await ofVariable(debuggee, where.variablesReference, name)
    : await ofExpression(debuggee, name, where);
  if (typeof place === "string") return none(place);
  return watch({ ...place, size: bytes ?? place.size }, name);
}

interface DataPlace {
  readonly address: bigint;
  readonly size: number;
  readonly physical?: boolean | undefined;
}

async function ofVariable(debuggee: Debuggee, reference: number, name: string): Promise<DataPlace | string> {
  const variable = (await debuggee.variables(reference)).find((candidate) => candidate.name === name);
  if (variable === undefined) return `There is no variable “${name}” any more.`;
  if (variable.memoryAddress === undefined || variable.size === undefined) {
    return `“${name}” is not in memory; data breakpoints watch memory.`;
  }
  return { address: variable.memoryAddress, size: variable.size, physical: variable.physical };
}

async function ofExpression(debuggee: Debuggee, expression: string, where: Where): Promise<DataPlace | string> {
  // A bare number can only mean an address, whatever the client says or does not know to say.
  if (/^\s*(phys:)?(0x[0-9a-f]+|\d+)\s*$/i.test(expression)) {
    return { address: fromReference(expression), size: 1, physical: addressUse(expression) === "physical" };
  }
  const look = (text: string) => debuggee.evaluate(text, where.hart, where.level, "look");
  const { value, memoryAddress, size, physical } = await look(expression);
  if (memoryAddress !== undefined && size !== undefined) return { address: memoryAddress, size, physical };
  // A symbol's name stands for its address; who wants to watch it means what is there.
  const name = expression.trim().replace(/^&/, "");
  if (value.endsWith(`<${name}>`)) {
    const inMemory = await look(`*${name}`);
    if (inMemory.memoryAddress !== undefined && inMemory.size !== undefined) {
      return { address: inMemory.memoryAddress, size: inMemory.size, physical: inMemory.physical };
    }
  }
  return `“${expression}” is a value, not a place in memory; give an address, a symbol or an access to memory.`;
}

function watch({ address, size: length, physical }: DataPlace, name: string | undefined): Info {
  const at = physical ? `physical ${toReference(address)}` : toReference(address);
  const range = length === 1 ? `1 byte at ${at}` : `${length} bytes at ${at}`;
  return {
    dataId: toDataId(address, length, physical === true),
    description: name === undefined ? range : `${name} (${range})`,
    accessTypes: ["read", "write", "readWrite"],
    canPersist: true,
  };
}

function none(description: string): Info {
  return { dataId: null, description };
}
