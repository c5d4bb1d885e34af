import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { UserError } from "../base/errors.ts";
import { GUEST_MAC } from "../devices/virtio-net.ts";
import { formatIpv4 } from "../network/addresses.ts";
import { type Forward, type NetOptions, parseNetOptions } from "../network/net-options.ts";
import { type GuestLine, UserNetwork } from "../network/user-network.ts";
import type { Bell } from "./motion-driver.ts";
import { NodeOutside, newUdpSocket } from "./node-outside.ts";
import { systemReason } from "./system-errors.ts";

/** The network of a live machine: `UserNetwork` with the host's sockets and clock. */
export class HostNetwork {
  readonly #outside: NodeOutside;
  readonly #network: UserNetwork;
  readonly #bell: Bell;
  readonly #servers: Server[] = [];
  #line: GuestLine | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #isClosed = false;
  /** Ports of the host that lead to the guest, in words. */
  readonly forwards: string[] = [];

  private constructor(options: NetOptions, bell: Bell) {
    this.#bell = bell;
    this.#outside = new NodeOutside(() => this.#schedule());
    const network = this;
    this.#network = new UserNetwork({
      outside: this.#outside,
      line: {
        deliver: (frame) => this.#deliver(frame),
        get backlog() {
          return network.#line?.backlog ?? 0;
        },
      },
      nowMs: () => performance.now(),
      guestMac: Uint8Array.from(GUEST_MAC),
      restricted: options.restricted,
    });
  }

  /** Opens the ports that are forwarded. `bell` is rung when something has come for the guest. */
  static async open(options: NetOptions, bell: Bell): Promise<HostNetwork> {
    const network = new HostNetwork(options, bell);
    try {
      for (const forward of options.forwards) {
        if (forward.protocol === "tcp") await network.#forwardTcp(forward);
        else await network.#forwardUdp(forward);
      }
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  /** The guest's card, once there is a machine. */
  connect(line: GuestLine): void {
    this.#line = line;
  }

  /** A frame that the guest has sent. Called in the midst of its step: what can be answered at once is. */
  fromGuest(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#network.receive(frame);
    this.#schedule();
  }

  /** Something may still come for a guest that waits: an answer, or somebody who connects. */
  get isBusy(): boolean {
    return this.#network.isBusy || this.forwards.length > 0;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const server of this.#servers) server.close();
    this.#network.close();
  }

  #deliver(frame: Uint8Array): boolean {
    const isTaken = this.#line?.deliver(frame) ?? false;
    if (isTaken) this.#bell.ring();
    return isTaken;
  }

  /** One timer, for the next thing that the network wants to do by itself. */
  #schedule(): void {
    const deadlineMs = this.#network.deadlineMs ?? Number.POSITIVE_INFINITY;
    if (this.#isClosed || deadlineMs === this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#dueMs = Number.POSITIVE_INFINITY;
        this.#network.tick();
        this.#schedule();
        // Whoever waits may wait for something that has just been given up.
        this.#bell.ring();
      },
      Math.max(1, Math.ceil(deadlineMs - performance.now())),
    );
  }

  async #forwardTcp(forward: Forward): Promise<void> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#servers.push(server);
    server.on("connection", (socket) => {
      const isOpened =
        !this.#isClosed &&
        this.#network.openTcpToGuest(forward.guest, (events) => this.#outside.attachTcp(socket, events));
      if (isOpened) this.#schedule();
      else socket.destroy();
    });
    server.listen(forward.host.port, formatIpv4(forward.host.address));
    await listening(server, forward);
    // From here on: a connection that could not be accepted is one that the peer has given up.
    server.on("error", () => {});
    this.#say(forward, (server.address() as { port: number }).port);
  }

  async #forwardUdp(forward: Forward): Promise<void> {
    const socket = newUdpSocket();
    socket.bind(forward.host.port, formatIpv4(forward.host.address));
    try {
      await listening(socket, forward);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#network.forwardUdp(forward.guest, (events) => this.#outside.attachUdp(socket, events));
    this.#say(forward, socket.address().port);
  }

  #say({ protocol, host, guest }: Forward, port: number): void {
    const to = `${formatIpv4(guest.address)}:${guest.port}`;
    this.forwards.push(`${protocol.toUpperCase()} ${formatIpv4(host.address)}:${port} leads to ${to}.`);
  }
}

/** What `--net` and `net` ask for, opened; undefined: no network. */
export async function openNetwork(net: string | undefined, bell: Bell): Promise<HostNetwork | undefined> {
  const options = net === undefined ? undefined : parseNetOptions(net);
  return options === undefined ? undefined : HostNetwork.open(options, bell);
}

async function listening(emitter: NodeJS.EventEmitter, { host, text }: Forward): Promise<void> {
  try {
    await once(emitter, "listening");
  } catch (error) {
    const place = `port ${host.port} of ${formatIpv4(host.address)}`;
    throw new UserError("net-forward", `hostfwd=${text} cannot listen on ${place}: ${systemReason(error)}.`);
  }
}
