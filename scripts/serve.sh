#!/bin/sh
# Starts the built service, as `npm start` and the image do. `node dist/main.js` is the same service with some 45 MB
# more memory: these can only be said before a process starts. What the environment says already is left alone.
#
# By default each of Node's threads gets from glibc a heap of its own, and none gives back what it has freed. Python
# and ffmpeg, which the service starts, get the first as well; the others hardly matter to them.
: "${MALLOC_ARENA_MAX:=2}" "${MALLOC_TRIM_THRESHOLD_:=131072}"
export MALLOC_ARENA_MAX MALLOC_TRIM_THRESHOLD_
# By default the main thread's young objects get 32 MB, of which a post needs some 0.3.
exec node --max-semi-space-size=4 "$(dirname "$0")/../dist/main.js"
