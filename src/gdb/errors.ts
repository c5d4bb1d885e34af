import { UserError } from "../base/errors.ts";

/** What a user of the gdb server can get wrong: one sentence each. */
export const errors = {
  portInUse: (port: number) =>
    new UserError(
      "port-busy",
      `Port ${port} is in use by another program; choose another with --port, or --port 0 for any that is free.`,
    ),
  portDenied: (port: number) =>
    new UserError("port-denied", `Port ${port} may not be used by you; choose one from 1024 to 65535.`),
  notWritable: (name: string) => new UserError("read-only", `${name} cannot be written.`, 2),
  unknownCommand: (name: string) =>
    new UserError("monitor-unknown", `There is no command "${name}"; "monitor help" lists them.`, 2),
  usage: (usage: string) => new UserError("monitor-usage", `Write: monitor ${usage}`, 2),
  noBookmark: (name: string) =>
    new UserError("no-bookmark", `"${name}" is neither an instant nor a bookmark; "monitor bookmarks" lists those.`, 2),
  notLive: () => new UserError("not-live", "A recording takes no input: what was typed is in it already."),
  noAddress: (text: string) => new UserError("no-address", `"${text}" has no address.`, 2),
} as const;
