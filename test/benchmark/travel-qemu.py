"""Run by gdb: goes back and forth in a replay of QEMU's and prints what each way took, one line of JSON.

HINDCAST_PROGRAM, HINDCAST_SOCKET; HINDCAST_PLACES: instants, ascending, as JSON. QEMU 7.2 cannot go to an instant that lies
before the present while gdb is connected (loadvm and replay_seek end it, or do nothing), so places are gone to forwards.
"""

import json
import os
import time

import gdb

times = {}


def run(command):
    return gdb.execute(command, to_string=True)


def timed(name, command):
    started = time.perf_counter()
    run(command)
    seconds = time.perf_counter() - started
    times.setdefault(name, []).append(seconds * 1000)
    return seconds * 1000


def instant():
    return int(run("monitor info replay").split("=")[-1])


run("set pagination off")
run("set confirm off")
run("file " + os.environ["HINDCAST_PROGRAM"])
run("target remote " + os.environ["HINDCAST_SOCKET"])

way = 0
for place in json.loads(os.environ["HINDCAST_PLACES"]):
    run("monitor replay_break %d" % place)
    started = time.perf_counter()
    run("continue")
    way += (time.perf_counter() - started) * 1000
    times.setdefault("seek", []).append(way)
    for back in range(1, 4):
        timed("stepBack", "reverse-stepi")
        assert instant() == place - back, "%d instead of %d" % (instant(), place - back)

run("break print")
run("continue")
run("delete")
for name, command, repeats in [
    ("reverseContinue", "break mark", 3),
    ("reverseToWrite", "watch -l marked", 3),
    ("reverseToStart", "break main", 1),
]:
    run(command)
    for repeat in range(repeats):
        timed(name, "reverse-continue")
    run("delete")
run("break print")
run("continue")
run("delete")
run("watch -l rare")
timed("reverseToFirstWrite", "reverse-continue")
print("TIMES " + json.dumps(times), flush=True)
