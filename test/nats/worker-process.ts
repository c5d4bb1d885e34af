import { connectNats } from "../../src/host/nats-connection.ts";
import { NatsWorker } from "../../src/host/nats-worker.ts";
import { RecordingCache } from "../../src/host/recording-exchange.ts";
import { fakePool } from "./fake-segments.ts";

/** A worker that can be killed: `worker-process.ts URL THREADS MS ACK_WAIT_MS CACHE`. Says which segments it begins. */
const [url, threads, ms, ackWaitMs, cache] = process.argv.slice(2);
const worker = await NatsWorker.start(await connectNats({ url }, "worker"), {
  threads: Number(threads),
  once: false,
  say: (sentence) => console.error(sentence),
  times: { ackWaitMs: Number(ackWaitMs), mostDeliveries: 10 },
  cache: new RecordingCache(cache),
  makePool: () => fakePool(Number(ms), ({ from }) => console.log(`begun ${from}`)),
});
process.on("SIGINT", () => void worker.stop());
console.log("ready");
await worker.ended.catch((error: unknown) => console.error(String(error)));
