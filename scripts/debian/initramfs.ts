/** The user space that the kernel finds: busybox, the kernel modules that it needs, and an /init that does what it is told. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ArchiveEntry, CHARACTER_DEVICE, cpioArchive, EXECUTABLE, FILE, FOLDER, LINK } from "./cpio.ts";

/** What /init loads, each after what it depends on. ext4 asks for a checksum by name, which no dependency says. */
const MODULES = {
  common: ["virtio_mmio"],
  disk: ["virtio_blk", "crc32c_generic", "ext4"],
  net: ["virtio_net"],
} as const;

/** Enough of busybox for a look around. */
const APPLETS = [
  "awk cat chmod cp cut date dd df dmesg echo env expr false find free grep head hexdump id ifconfig insmod ip kill ln",
  "ls lsmod md5sum mkdir mknod mount mv nproc nslookup ping poweroff printf ps pwd reboot rm rmdir route sed seq sh",
  "sha256sum sleep sort stty sync tail tar test top touch tr true udhcpc umount uname uptime vi wc wget xargs yes",
].flatMap((line) => line.split(" "));

/** What the kernel's command line may ask /init for: `hindcast=disk,net,poweroff`. */
const INIT = (modules: Record<keyof typeof MODULES, readonly string[]>) => `#!/bin/sh
# The kernel's command line says what to do: hindcast=disk,net,poweroff or reboot; without an end, a shell.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
asked=,$(sed -n 's/.*hindcast=\\([a-z,]*\\).*/\\1/p' /proc/cmdline),
wants() { case $asked in *,$1,*) return 0 ;; esac; return 1; }
load() { for module in "$@"; do insmod /lib/modules/$module.ko || echo "HINDCAST: no $module"; done; }
echo "HINDCAST: init, $(uname -r), $(nproc) harts"
if wants disk || wants net; then load ${modules.common.join(" ")}; fi
if wants disk; then
  load ${modules.disk.join(" ")}
  if mount -t ext4 /dev/vda /mnt; then
    echo "HINDCAST: disk says $(cat /mnt/greeting)"
    echo "written by the guest" > /mnt/answer
    sync
    umount /mnt
    mount -t ext4 /dev/vda /mnt && echo "HINDCAST: disk holds $(cat /mnt/answer)"
    umount /mnt
  fi
fi
if wants net; then
  load ${modules.net.join(" ")}
  ip link set lo up
  ip link set eth0 up
  udhcpc -i eth0 -n -q -t 5 -s /lib/udhcpc.sh
  ping -c 1 -W 5 10.0.2.2 > /dev/null && echo "HINDCAST: the gateway answers"
fi
echo "HINDCAST: ready"
wants poweroff && poweroff -f
wants reboot && reboot -f
while true; do setsid cttyhack sh; done
`;

const UDHCPC = `#!/bin/sh
# Called by udhcpc when it has an address.
[ "$1" = bound ] || exit 0
ip address add $ip/24 dev $interface
[ -n "$router" ] && ip route add default via $router dev $interface
[ -n "$dns" ] && echo "nameserver $dns" > /etc/resolv.conf
echo "HINDCAST: the network has $ip"
`;

/** Builds the archive from Debian's unpacked packages. */
export function buildInitramfs(root: string, kernelVersion: string): Buffer {
  const library = join(root, "usr/lib/modules", kernelVersion, "kernel");
  const paths = new Map<string, string>();
  for (const file of readdirSync(library, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ko.xz")) paths.set(moduleName(file), join(library, file));
  }
  const contents = new Map<string, Buffer>();
  const order: Record<string, string[]> = {};
  for (const [purpose, names] of Object.entries(MODULES)) {
    order[purpose] = [];
    for (const name of names) collect(name, paths, contents, order[purpose]);
  }
  const text = (content: string) => new TextEncoder().encode(content);
  const entries: ArchiveEntry[] = [
    ...["bin", "dev", "etc", "lib", "lib/modules", "mnt", "proc", "root", "sys", "tmp"].map((name) => ({
      name,
      mode: FOLDER,
    })),
    { name: "dev/console", mode: CHARACTER_DEVICE, device: [5, 1] },
    { name: "bin/busybox", mode: EXECUTABLE, contents: readFileSync(join(root, "usr/bin/busybox")) },
    ...[...APPLETS, "setsid", "cttyhack"].map((name) => ({
      name: `bin/${name}`,
      mode: LINK,
      contents: text("busybox"),
    })),
    { name: "init", mode: EXECUTABLE, contents: text(INIT(order as Parameters<typeof INIT>[0])) },
    { name: "lib/udhcpc.sh", mode: EXECUTABLE, contents: text(UDHCPC) },
    ...[...contents].map(([name, bytes]) => ({ name: `lib/modules/${name}.ko`, mode: FILE, contents: bytes })),
  ];
  return cpioArchive(entries);
}

/** A module after those that it depends on. One that is not there is built into the kernel. */
function collect(name: string, paths: Map<string, string>, contents: Map<string, Buffer>, order: string[]): void {
  const path = paths.get(name);
  if (path === undefined || contents.has(name)) return;
  const bytes = execFileSync("xz", ["-dc", path], { maxBuffer: 256 * 2 ** 20 });
  const depends = /\0depends=([^\0]*)\0/.exec(bytes.toString("latin1"))?.[1] ?? "";
  for (const dependency of depends.split(",")) if (dependency !== "") collect(dependency, paths, contents, order);
  contents.set(name, bytes);
  order.push(name);
}

/** Files have hyphens where names have underscores. */
function moduleName(file: string): string {
  return basename(file, ".ko.xz").replaceAll("-", "_");
}
