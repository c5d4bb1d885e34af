import type { NatsOptions } from "../host/nats-connection.ts";

export interface NatsFlags {
  readonly nats?: string;
  readonly natsCreds?: string;
  readonly natsNkey?: string;
  readonly natsCa?: string;
  readonly natsCert?: string;
  readonly natsKey?: string;
  readonly natsInsecure?: true;
}

export function natsOptions(url: string, flags: NatsFlags): NatsOptions {
  return {
    url,
    credentials: flags.natsCreds,
    nkey: flags.natsNkey,
    authority: flags.natsCa,
    certificate: flags.natsCert,
    key: flags.natsKey,
    isInsecure: flags.natsInsecure,
  };
}
