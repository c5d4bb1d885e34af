/** Longest text that is made of one format: a check's log is read by people. */
const MOST_TEXT = 4096;
const MOST_WIDTH = 256;

/** Where a format's arguments and strings are. Undefined: not to be read. */
export interface GuestText {
  /** Argument `index` as its 64 bits. */
  argument(index: number): bigint | undefined;
  /** The text at an address, up to its NUL. */
  string(address: bigint): string | undefined;
}

/** flags, width, precision, length, conversion. */
const SPECIFICATION = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|z|j|t)?(.)/gsu;

/**
 * `printf` on the host over a guest's memory: d i u x X o b c s p f F e E g G and %%, with flags, width, precision and `*`. What
 * cannot be read or is not known shows in its place, since one bad argument should not silence a log. The answer is one line: a
 * newline at its end is dropped, and control characters are escaped.
 */
export function formatGuest(format: string, guest: GuestText): string {
  let next = 0;
  const argument = () => guest.argument(next++);
  const count = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const value = text === "*" ? Number(BigInt.asIntN(32, argument() ?? 0n)) : Number(text);
    return Math.max(-MOST_WIDTH, Math.min(MOST_WIDTH, value));
  };
  const text = format.replace(SPECIFICATION, (whole, flags, width, precision, length, conversion) => {
    if (conversion === "%") return "%";
    const columns = count(width);
    const digits = whole.includes(".") ? Math.max(0, count(precision) ?? 0) : undefined;
    const bits = argument();
    if (bits === undefined) return `<argument ${next} cannot be read>`;
    const flagged = columns !== undefined && columns < 0 ? `${flags}-` : flags;
    const body = convert(conversion, bits, { flags: flagged, digits, length: length ?? "" }, guest);
    return body === undefined ? whole : pad(body, flagged, Math.abs(columns ?? 0), digits, conversion);
  });
  const line = shown(text.endsWith("\n") ? text.slice(0, -1) : text);
  return line.length > MOST_TEXT ? `${line.slice(0, MOST_TEXT)}…` : line;
}

/** Control characters but the tab: a guest's text shall not move about in the terminal that it is shown in. */
const CONTROL = /(?!\t)\p{Cc}/gu;

function shown(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

interface Options {
  readonly flags: string;
  readonly digits: number | undefined;
  readonly length: string;
}

function convert(conversion: string, bits: bigint, options: Options, guest: GuestText): string | undefined {
  const { flags, digits, length } = options;
  switch (conversion) {
    case "d":
    case "i":
      return signed(leastDigits(BigInt.asIntN(widthOf(length), bits), 10, digits), flags);
    case "u":
      return leastDigits(BigInt.asUintN(widthOf(length), bits), 10, digits);
    case "x":
    case "X":
    case "o":
    case "b": {
      const radix = conversion === "o" ? 8 : conversion === "b" ? 2 : 16;
      const value = BigInt.asUintN(widthOf(length), bits);
      const prefix = flags.includes("#") && value !== 0n ? { o: "0", b: "0b", x: "0x", X: "0X" }[conversion] : "";
      const text = leastDigits(value, radix, digits);
      return prefix + (conversion === "X" ? text.toUpperCase() : text);
    }
    case "c":
      return String.fromCharCode(Number(bits & 0xffn));
    case "p":
      return `0x${bits.toString(16)}`;
    case "s": {
      const text = bits === 0n ? "(null)" : guest.string(bits);
      return text === undefined ? `<no text at 0x${bits.toString(16)}>` : text.slice(0, digits);
    }
    case "f":
    case "F":
    case "e":
    case "E":
    case "g":
    case "G":
      return signed(float(conversion, bits, digits ?? 6), flags);
    default:
      return undefined;
  }
}

function widthOf(length: string): number {
  if (length === "hh") return 8;
  if (length === "h") return 16;
  return length === "" ? 32 : 64;
}

function leastDigits(value: bigint, radix: number, digits = 1): string {
  const text = (value < 0n ? -value : value).toString(radix).padStart(digits, "0");
  return value < 0n ? `-${text}` : text;
}

function signed(text: string, flags: string): string {
  if (text.startsWith("-")) return text;
  return flags.includes("+") ? `+${text}` : flags.includes(" ") ? ` ${text}` : text;
}

function float(conversion: string, bits: bigint, digits: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, bits));
  const value = view.getFloat64(0);
  const text = Number.isFinite(value)
    ? finite(conversion, value, digits)
    : Number.isNaN(value)
      ? "nan"
      : infinity(value);
  return conversion < "a" ? text.toUpperCase() : text;
}

function infinity(value: number): string {
  return value < 0 ? "-inf" : "inf";
}

function finite(conversion: string, value: number, digits: number): string {
  const places = Math.min(digits, 100);
  const sign = Object.is(value, -0) ? "-" : "";
  switch (conversion.toLowerCase()) {
    case "f":
      return sign + fixed(value, places);
    case "e":
      return sign + exponent(value.toExponential(places));
    default: {
      // C: %e when the exponent is below -4 or not below the precision, else %f, and no zeros at the end.
      const precision = Math.max(1, places);
      const power = value === 0 ? 0 : Number(value.toExponential(precision - 1).split("e")[1]);
      const isLong = power < -4 || power >= precision;
      const [mantissa, tail] = isLong
        ? value.toExponential(precision - 1).split("e")
        : [fixed(value, precision - 1 - power), undefined];
      const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
      return sign + (tail === undefined ? short : exponent(`${short}e${tail}`));
    }
  }
}

/** Exactly, with ties to even as C has them: a double is an integer times a power of two. */
function fixed(value: number, places: number): string {
  let power = 0;
  let mantissa = Math.abs(value);
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    power++;
  }
  const scaled = BigInt(mantissa) * 10n ** BigInt(places);
  const whole = scaled >> BigInt(power);
  const twiceRest = (scaled - (whole << BigInt(power))) * 2n;
  const one = 1n << BigInt(power);
  const isUp = twiceRest > one || (twiceRest === one && (whole & 1n) === 1n);
  const digits = String(isUp ? whole + 1n : whole).padStart(places + 1, "0");
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return value < 0 ? `-${text}` : text;
}

/** At least two digits of exponent, as C has it. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function pad(text: string, flags: string, columns: number, digits: number | undefined, conversion: string): string {
  if (flags.includes("-")) return text.padEnd(columns);
  const isNumber = "fFeEgG".includes(conversion) || ("diuxXob".includes(conversion) && digits === undefined);
  if (!flags.includes("0") || !isNumber || /^[-+ ]?(?:inf|nan)$/i.test(text)) return text.padStart(columns);
  const lead = /^[-+ ]?(?:0[xXb])?/.exec(text)![0];
  return lead + text.slice(lead.length).padStart(columns - lead.length, "0");
}
