import { nodeEnvironment, serveStdio } from "../adapter/main.ts";
import { openPair } from "./debugged-pair.ts";
import { startDebuggee } from "./node-debuggee.ts";

/** Entry of the debug adapter as the extension starts it: the Debug Adapter Protocol on stdin and stdout. */
process.exit(await serveStdio(nodeEnvironment(startDebuggee, openPair)));
