/**
 * What the extension and its webviews say to each other. The only file that both sides import: plain data, no code that
 * needs either of them.
 */

export type MarkKind = "event" | "output" | "checkpoint" | "bookmark" | "hit" | "trap";

/** One thing that happened, or was noted by the user, at an instant. */
export interface Mark {
  readonly kind: MarkKind;
  readonly instant: number;
  readonly label: string;
  readonly detail?: string;
}

/** Where the machine stands and how far history reaches, in instants. */
export interface Position {
  readonly first: number;
  readonly now: number;
  readonly end: number;
  /** The recording is still open: running on makes new history. */
  readonly live: boolean;
  readonly running: boolean;
}

export type ToTimeline =
  /** No session: show what to do to get one. */
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  | { readonly type: "position"; readonly position: Position }
  /** Something was added or thinned: marks in view should be asked for anew. */
  | { readonly type: "changed" }
  /** Answer to the request of the same number. */
  | {
      readonly type: "marks";
      readonly request: number;
      readonly from: number;
      readonly to: number;
      readonly marks: readonly Mark[];
      /** Marks there are in this range; more than `marks.length` when they were thinned. */
      readonly total: number;
    };

export type FromTimeline =
  | { readonly type: "ready" }
  /** Marks with from <= instant <= to, thinned to at most `most`. */
  | {
      readonly type: "askMarks";
      readonly request: number;
      readonly from: number;
      readonly to: number;
      readonly most: number;
    }
  | { readonly type: "travel"; readonly instant: number }
  | { readonly type: "command"; readonly command: TimelineCommand };

/** Commands of the extension that the timeline's page offers as buttons. */
export type TimelineCommand =
  | "hindcast.debugFile"
  | "hindcast.openRecording"
  | "hindcast.openDemo"
  | "hindcast.addBookmark";

/** The machine as a whole, where it stands still. Addresses and values are `0x…`. */
export interface MachineOverview {
  readonly instant: number;
  readonly harts: readonly HartFacts[];
  /** Address spaces that harts were in at stops of this session, those of now first. */
  readonly spaces: readonly AddressSpace[];
  readonly devices: readonly DeviceFacts[];
  readonly memory: readonly MemoryRegion[];
  readonly translation?: CacheGroup;
}

/** What the caches of translations have done in this session. */
export interface CacheGroup {
  readonly cacheGroup: "on" | "off";
  readonly elements: number;
  readonly contexts: number;
  readonly mostContexts: number;
  readonly switches: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly fences: number;
  readonly fills: number;
  readonly walks: number;
  readonly droppedTranslations: number;
  readonly voidedContexts: number;
  readonly flushes: number;
  readonly checkpoints: number;
}

export interface HartFacts {
  readonly id: number;
  readonly stopped: boolean;
  readonly turn: boolean;
  readonly pc: string;
  readonly symbol: string;
  readonly place?: string;
  readonly privilege: "M" | "S" | "U";
  readonly waiting: boolean;
  /** Absent where harts do not translate addresses. */
  readonly space?: AddressSpace;
  readonly pending: readonly string[];
}

export interface AddressSpace {
  readonly satp: string;
  readonly scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  readonly asid: number;
  readonly root: string;
  readonly harts: readonly number[];
}

export interface DeviceFacts {
  readonly name: string;
  readonly address: string;
  readonly registers: readonly { readonly name: string; readonly value: string }[];
}

export interface MemoryRegion {
  readonly start: string;
  readonly end?: string;
  readonly name: string;
  readonly kind: "memory" | "device" | "program";
  readonly detail: string;
}

export interface CsrFacts {
  readonly name: string;
  readonly number: number;
  readonly value: string;
  readonly meaning: string;
  readonly description: string;
  readonly fields: readonly {
    readonly name: string;
    readonly bits: string;
    readonly value: string;
    readonly meaning?: string;
    readonly description: string;
  }[];
}

export interface CsrTable {
  readonly groups: readonly { readonly name: string; readonly csrs: readonly CsrFacts[] }[];
  /** Physical memory protection: the entries that are on. */
  readonly protection: readonly {
    readonly entry: number;
    readonly mode: string;
    readonly start: string;
    readonly last: string;
    readonly permissions: string;
    readonly locked: boolean;
  }[];
}

export interface PageEntry {
  readonly level: number;
  readonly index: number;
  readonly address: string;
  readonly value?: string;
  readonly kind: "table" | "page" | "invalid" | "no memory";
  /** Of V R W X U G A D those that are set. */
  readonly flags: readonly string[];
  readonly ppn?: string;
  readonly target?: string;
  /** Bytes of addresses that the entry is for, and the first of them. */
  readonly bytes: string;
  readonly virtual: string;
  readonly symbol?: string;
  readonly notes: readonly string[];
}

export interface Translation {
  readonly address: string;
  readonly symbol?: string;
  readonly hart: number;
  readonly space: AddressSpace;
  readonly entries: readonly PageEntry[];
  readonly physicalAddress?: string;
  readonly pageBytes: number;
  readonly problem?: string;
  readonly access: string;
}

export interface PageTable {
  readonly scheme: AddressSpace["scheme"];
  readonly level: number;
  readonly table: string;
  readonly entries: readonly (PageEntry & { readonly count: number })[];
}

export type ToMachine =
  | { readonly type: "idle" }
  | { readonly type: "starting"; readonly title: string }
  /** It runs: what is shown was so at the last stop. */
  | { readonly type: "running" }
  /** It stands still: here, or after an edit. */
  | { readonly type: "overview"; readonly overview: MachineOverview }
  /** Answers to the request of the same number. */
  | { readonly type: "csrs"; readonly request: number; readonly hart: number; readonly csrs: CsrTable }
  | { readonly type: "translation"; readonly request: number; readonly translation: Translation }
  | { readonly type: "table"; readonly request: number; readonly table: PageTable }
  /** It cannot be answered; a sentence. */
  | { readonly type: "refused"; readonly request: number; readonly message: string };

export type FromMachine =
  | { readonly type: "ready" }
  | { readonly type: "askCsrs"; readonly request: number; readonly hart: number }
  /** `address` is a number or an expression. */
  | { readonly type: "askTranslation"; readonly request: number; readonly hart: number; readonly address: string }
  | ({ readonly type: "askTable"; readonly request: number } & TableQuestion)
  | { readonly type: "command"; readonly command: TimelineCommand };

/** One table of an address space; without `table` its root. */
export interface TableQuestion {
  readonly satp: string;
  readonly table?: string;
  readonly level?: number;
  readonly base?: string;
}

/** What the page of a recording shows. */
export interface RecordingFacts {
  readonly name: string;
  readonly bytes: number;
  /** Steps that the recording holds. */
  readonly instants: number;
  readonly events: number;
  /** Bytes that the guest printed. */
  readonly outputs: number;
  readonly checkpoints: number;
  /** The machine that was recorded; a sentence. */
  readonly machine: string;
  readonly bookmarks: readonly { readonly name: string; readonly instant: number }[];
  /** The recorder ended it in good order. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  /** The program that ran, and how large its file was. */
  readonly program: { readonly name: string; readonly bytes: number } | undefined;
}

export type ToRecording =
  | { readonly type: "facts"; readonly facts: RecordingFacts }
  /** The file cannot be used; a sentence. */
  | { readonly type: "unusable"; readonly name: string; readonly message: string };

export type FromRecording = { readonly type: "ready" } | { readonly type: "debug" } | { readonly type: "reload" };
