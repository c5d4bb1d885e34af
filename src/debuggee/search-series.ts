import { UserError } from "../base/errors.ts";
import { findCsr } from "../isa/csrs.ts";
import { findRegister } from "../isa/registers.ts";
import { NO_STOPS, type Watch } from "../machine/stop.ts";
import type { Hit } from "../replay/timeline-interface.ts";
import { errors } from "./errors.ts";
import { type CompiledExpression, SPECIAL_NAMES, type Surroundings, type Value } from "./expression.ts";
import { toFloat } from "./expression-floats.ts";
import { type Node, parseExpression } from "./expression-parser.ts";
import { findFloatRegister } from "./float-registers.ts";
import { currentHart } from "./hart-turns.ts";
import { Columns } from "./search-columns.ts";
import {
  COST,
  type Finder,
  type FinderTask,
  nextEvents,
  placeOf,
  type SearchParts,
  watching,
} from "./search-finder.ts";
import { hitterOf, placeToHit, stopsAt } from "./search-hits.ts";
import type { AddressSpace, Row, Settled } from "./search-protocol.ts";
import { WatchedSpace } from "./search-space.ts";

type SeriesQuestion = FinderTask<"series">["question"];

/** Privilege modes are names of numbers. */
const CONSTANT_NAMES = ["U", "S", "M"];
const SATP = 0x180;
const SATP_MODE_SHIFT = 60n;

/** When a series is looked at: at the hits of a place, when the memory changes that it reads, or now and then. */
export function seriesKind({ expression, at, everySteps }: SeriesQuestion): "place" | "memory" | "sampled" {
  if (at !== undefined) return "place";
  if (readsMemoryOnly(parseExpression(expression).root)) return "memory";
  if (everySteps === undefined || !(Number.isSafeInteger(everySteps) && everySteps >= 1)) {
    throw errors.seriesSampled(expression);
  }
  return "sampled";
}

function readsMemoryOnly(node: Node): boolean {
  switch (node.kind) {
    case "number":
    case "float":
      return true;
    case "name":
      return isConstantName(node.text);
    case "guest-call":
      return false;
    case "unary":
    case "cast":
      return readsMemoryOnly(node.operand);
    case "binary":
      return readsMemoryOnly(node.left) && readsMemoryOnly(node.right);
    case "conditional":
      return [node.condition, node.ifTrue, node.ifFalse].every(readsMemoryOnly);
    case "call":
      return readsMemoryOnly(node.argument);
    case "load":
      return readsMemoryOnly(node.address);
    default:
      return readsMemoryOnly(node.base) && readsMemoryOnly(node.index);
  }
}

/** A symbol, or a number that has a name. */
function isConstantName(written: string): boolean {
  if (written.startsWith("&")) return true;
  const name = written.replace(/^\$/, "");
  if (findRegister(name) !== undefined || findFloatRegister(name) !== undefined) return false;
  if (SPECIAL_NAMES.includes(name)) return CONSTANT_NAMES.includes(name);
  return findCsr(name.split(".")[0]) === undefined;
}

/** What a series means where the debuggee stands. Throws a UserError when it means nothing. */
export function settleSeries(parts: SearchParts, question: SeriesQuestion): Settled {
  const { inspector } = parts;
  const compiled = seriesExpression(parts, question);
  const kind = seriesKind(question);
  const hart = inspector.hart(question.hart ?? inspector.focus).id;
  const { at } = question;
  if (at !== undefined) {
    placeToHit(parts, { at });
    return at.kind === "data" ? { ranges: inspector.ranges(at.address, at.length, at.use) } : {};
  }
  if (kind === "sampled") return { hart };
  return { space: spaceOf(parts, hart, compiled) };
}

function seriesExpression({ inspector }: SearchParts, { expression }: SeriesQuestion): CompiledExpression {
  const compiled = inspector.valueOnly(expression);
  const { base, count } = compiled.format;
  if (base === "string" || base === "instruction" || count !== undefined) throw errors.seriesFormat();
  return compiled;
}

/**
 * The address space that a hart's loads go to. A hart may stand in firmware, which translates nothing, when a kernel's memory is
 * asked about: where the expression has no value there, it is meant as the hart's satp has it.
 */
function spaceOf({ machine }: SearchParts, hart: number, compiled: CompiledExpression): AddressSpace {
  const satp = machine.harts[hart].csr(SATP);
  const physical = { hart, satp: undefined };
  if (satp === undefined || satp >> SATP_MODE_SHIFT === 0n) return physical;
  const translated = { hart, satp };
  const isBare = machine.translate(machine.harts[hart].pc, hart).scheme === "bare";
  const spaces = isBare ? [physical, translated] : [translated];
  const working = spaces.find((space) => {
    try {
      compiled.evaluate(new WatchedSpace(machine, space));
      return true;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  });
  return working ?? spaces[0];
}

interface Seen {
  /** Tells values apart, and from what could not be evaluated. */
  readonly key: string;
  readonly value: Value | undefined;
  readonly number: number | undefined;
  readonly problem: string | undefined;
}

/** Each value that an expression had. */
export function seriesFinder({ parts, question, task, tally }: FinderTask<"series">): Finder {
  const { machine, inspector, checks } = parts;
  const compiled = seriesExpression(parts, question);
  const columns = new Columns(task);
  let first: Seen | undefined;
  let last: Seen | undefined;
  const look = (at: Surroundings): Seen => {
    try {
      const value = compiled.evaluate(at);
      const { bits, type } = value;
      return { key: bits.toString(16), value, number: toFloat(type, bits), problem: undefined };
    } catch (error) {
      if (error instanceof UserError)
        return { key: `!${error.message}`, value: undefined, number: undefined, problem: error.message };
      throw error;
    } finally {
      checks.takeLogs();
    }
  };
  const row = (seen: Seen, instant: number, hart: number, pc: bigint): Row => ({
    ...placeOf(parts, instant, hart, pc),
    text: seen.value === undefined ? `<${seen.problem}>` : inspector.show(seen.value, compiled.format, hart),
    ...(seen.value !== undefined && { bits: seen.value.bits }),
    ...(seen.number !== undefined && { number: seen.number }),
    ...(seen.problem !== undefined && { problem: seen.problem }),
  });
  const note = (seen: Seen, instant: number, hart: number, pc: bigint): number | "end" => {
    if (seen.key === last?.key) return COST.hit;
    first ??= seen;
    last = seen;
    columns.add(instant, seen.number);
    const isListed = tally.count(instant);
    if (isListed) tally.listed.push(row(seen, instant, hart, pc));
    return tally.isOver ? "end" : isListed ? COST.row : COST.hit;
  };
  const finish: Finder["finish"] = () => ({
    series: {
      ...(first !== undefined && { first: first.key }),
      ...(last !== undefined && { last: last.key }),
      ...(last?.number !== undefined && { lastNumber: last.number }),
      ...(columns.start !== undefined && { startNumber: columns.start }),
      width: columns.width,
      columns: columns.found,
    },
  });
  switch (seriesKind(question)) {
    case "place":
      return { ...placeSeries(), finish };
    case "memory":
      // Its stops change on the way.
      return Object.assign(memorySeries(parts, task.settled.space!, look, note), { finish });
    default:
      return { ...sampledSeries(), finish };
  }

  function placeSeries(): Finder {
    const place = placeToHit(parts, { at: question.at! });
    return {
      stops: stopsAt(parts, place, task.settled, undefined),
      visit: (hit) => {
        const hitter = hitterOf(hit);
        if (hitter === undefined || (question.hart !== undefined && hitter.hart !== question.hart)) return COST.hit;
        const restored = checks.verified;
        const seen = look(inspector.callingSurroundings(hitter.hart));
        const cost = note(seen, hit.instant, hitter.hart, hitter.pc);
        return cost === "end" ? cost : cost + (checks.verified - restored) * COST.call;
      },
    };
  }

  function sampledSeries(): Finder {
    const every = question.everySteps!;
    const hart = task.settled.hart!;
    const sample = () => note(look(inspector.callingSurroundings(hart)), machine.instant, hart, machine.harts[hart].pc);
    return {
      sampled: true,
      stops: NO_STOPS,
      begin: sample,
      visit: () => COST.hit,
      nextLook: (now) => (Math.floor(now / every) + 1) * every,
      look: () => (machine.instant < task.to ? sample() : COST.hit),
    };
  }
}

/**
 * Exact: whenever memory that the expression reads is written, it is evaluated anew, and what it reads then is watched. A change that
 * an event brought (an edit, a frame that a device put into memory) is told at the last state without it.
 */
function memorySeries(
  parts: SearchParts,
  settled: AddressSpace,
  look: (at: Surroundings) => Seen,
  note: (seen: Seen, instant: number, hart: number, pc: bigint) => number | "end",
): Finder {
  const { machine } = parts;
  const space = new WatchedSpace(machine, settled);
  let watched: readonly Watch[] = [];
  const finder = { stops: NO_STOPS };
  const evaluate = (): Seen => {
    space.begin();
    const seen = look(space);
    const { watches } = space;
    if (watches !== watched) {
      watched = watches;
      finder.stops = watching(watches);
    }
    return seen;
  };
  const here = (instant: number) => {
    const hart = currentHart(machine);
    return note(evaluate(), instant, hart, machine.harts[hart].pc);
  };
  return Object.assign(finder, {
    begin: () => here(machine.instant),
    visit: ({ instant, stop }: Hit) => {
      if (stop.kind !== "watch") return COST.hit;
      const { hart, pc } = stop.hits[0];
      return note(evaluate(), instant, hart, pc);
    },
    looksAtWatched: true,
    nextLook: nextEvents(parts),
    look: () => here(machine.instant - 1),
  });
}
