import type { NatsOptions } from "../host/nats-connection.ts";

export interface NatsFlags {
  readonly nats?: string;
  readonly natsCreds?: string;
  readonly tlsCa?: string;
}

export function natsOptions(url: string, { natsCreds, tlsCa }: NatsFlags): NatsOptions {
  const credentials = natsCreds === undefined ? {} : { credentials: natsCreds };
  return { url, ...credentials, ...(tlsCa === undefined ? {} : { authority: tlsCa }) };
}
