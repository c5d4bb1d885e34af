import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Evaluation, VariableNode } from "../debuggee/protocol.ts";
import type { Client } from "./client.ts";
import type { Debuggee } from "./environment.ts";
import { toPhysicalReference, toReference } from "./references.ts";
import type { FrameKey } from "./stack.ts";

/**
 * Scopes, variables and values. References are the debuggee's own: they live as long as DAP wants them to, until the
 * machine moves.
 */
export class Variables {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async scopes(debuggee: Debuggee, { hart, level }: FrameKey): Promise<DebugProtocol.Scope[]> {
    return (await debuggee.scopes(hart, level)).map(({ name, reference, expensive }) => ({
      name,
      variablesReference: reference,
      expensive,
      ...(/register|csr|floating/i.test(name) ? { presentationHint: "registers" } : {}),
      ...(/^locals?$/i.test(name) ? { presentationHint: "locals" } : {}),
    }));
  }

  /** A page of the children: `start` and `count` as DAP has them, 0 or absent meaning all. */
  async variables(
    debuggee: Debuggee,
    { variablesReference, start, count }: DebugProtocol.VariablesArguments,
  ): Promise<DebugProtocol.Variable[]> {
    const nodes = await debuggee.variables(variablesReference);
    const first = Math.max(start ?? 0, 0);
    return nodes.slice(first, count ? first + count : undefined).map((node) => this.#toClient(node));
  }

  async setVariable(
    debuggee: Debuggee,
    { variablesReference, name, value }: DebugProtocol.SetVariableArguments,
  ): Promise<DebugProtocol.SetVariableResponse["body"]> {
    const set = await debuggee.setVariable(variablesReference, name, value);
    return { value: set.value, ...this.#details(set) };
  }

  async setExpression(
    debuggee: Debuggee,
    { expression, value }: DebugProtocol.SetExpressionArguments,
    { hart }: FrameKey,
  ): Promise<DebugProtocol.SetExpressionResponse["body"]> {
    const set = await debuggee.setExpression(expression, value, hart);
    return { value: set.value, ...this.#details(set) };
  }

  async evaluate(
    debuggee: Debuggee,
    expression: string,
    { hart, level }: FrameKey,
    use: "look" | "change",
  ): Promise<DebugProtocol.EvaluateResponse["body"]> {
    const evaluation = await debuggee.evaluate(expression, hart, level, use);
    return { result: evaluation.value, ...this.#details(evaluation) };
  }

  #toClient(node: VariableNode): DebugProtocol.Variable {
    return {
      name: node.name,
      value: node.value,
      ...this.#details(node),
      ...(node.evaluateName === undefined ? {} : { evaluateName: node.evaluateName }),
      ...(node.settable ? {} : { presentationHint: { attributes: ["readOnly"] } }),
    };
  }

  #details({
    type,
    reference,
    memoryAddress,
    physical,
  }: Pick<Evaluation, "type" | "reference" | "memoryAddress" | "physical">) {
    const toMemory = physical ? toPhysicalReference : toReference;
    return {
      variablesReference: reference,
      ...(type !== undefined && this.#client.supportsVariableTypes ? { type } : {}),
      ...(memoryAddress !== undefined && this.#client.supportsMemoryReferences
        ? { memoryReference: toMemory(memoryAddress) }
        : {}),
    };
  }
}
