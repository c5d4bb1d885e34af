import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { getServers } from "node:dns";
import { connect, type Socket } from "node:net";
import { formatIpv4, type Ipv4Address, parseIpv4Address } from "../network/addresses.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents, OutsideUdp, OutsideUdpEvents } from "../network/outside.ts";
import type { Endpoint } from "../network/udp.ts";

const DNS_PORT = 53;
/** Datagrams of one socket that wait for the host: a guest that floods loses the rest. */
const MOST_QUEUED_BYTES = 1024 * 1024;

/** The host's sockets. */
export class NodeOutside implements Outside {
  readonly #onEvent: () => void;

  /** `onEvent` is called after each event that a socket has brought. */
  constructor(onEvent: () => void) {
    this.#onEvent = onEvent;
  }

  connectTcp(address: Ipv4Address, port: number, events: OutsideTcpEvents): OutsideTcp {
    const socket = connect({ host: formatIpv4(address), port, allowHalfOpen: true, noDelay: true });
    socket.on("connect", () => this.#tell(() => events.connected()));
    return this.attachTcp(socket, events);
  }

  /** `socket`: with `allowHalfOpen`. */
  attachTcp(socket: Socket, events: OutsideTcpEvents): OutsideTcp {
    let isOver = false;
    const tell = (event: () => void) => {
      if (!isOver) this.#tell(event);
    };
    socket.on("data", (bytes) => tell(() => events.data(bytes)));
    socket.on("end", () => tell(() => events.ended()));
    socket.on("drain", () => tell(() => events.drained()));
    // "close" follows, and says that there was an error.
    socket.on("error", () => {});
    socket.on("close", (hadError) => {
      if (hadError) tell(() => events.failed());
    });
    socket.resume();
    return {
      get pendingBytes() {
        return socket.writableLength;
      },
      write: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
      abort: () => {
        isOver = true;
        // A guest's reset becomes one outside.
        if (socket.connecting || socket.destroyed) socket.destroy();
        else socket.resetAndDestroy();
      },
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
    };
  }

  openUdp(events: OutsideUdpEvents): OutsideUdp {
    return this.attachUdp(newUdpSocket(), events);
  }

  attachUdp(socket: UdpSocket, events: OutsideUdpEvents): OutsideUdp {
    let isOpen = true;
    const close = () => {
      if (isOpen) socket.close();
      isOpen = false;
    };
    socket.on("message", (data, from) => {
      const address = parseIpv4Address(from.address);
      if (isOpen && address !== undefined) this.#tell(() => events.received({ address, port: from.port }, data));
    });
    socket.on("error", () => {
      close();
      this.#tell(() => events.failed());
    });
    return {
      send: (to, data) => {
        if (!isOpen || socket.getSendQueueSize() > MOST_QUEUED_BYTES) return;
        // What the host refuses is lost on the way, as datagrams are.
        socket.send(data, to.port, formatIpv4(to.address), () => {});
      },
      close,
    };
  }

  /** The host's own servers. Those with IPv6 addresses are left out: their replies could not be told to the guest. */
  nameServers(): readonly Endpoint[] {
    return getServers().flatMap((text) => {
      const [address, port] = text.split(":");
      const parsed = parseIpv4Address(address);
      return parsed === undefined || !text.includes(".") ? [] : [{ address: parsed, port: Number(port ?? DNS_PORT) }];
    });
  }

  #tell(event: () => void): void {
    event();
    this.#onEvent();
  }
}

/** A socket whose addresses are numbers already, so that nobody is asked for them. */
export function newUdpSocket(): UdpSocket {
  return createSocket({ type: "udp4", lookup: (host, _options, answer) => process.nextTick(answer, null, host, 4) });
}
