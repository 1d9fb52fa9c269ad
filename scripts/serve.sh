#!/bin/sh
# Starts the built service, as `npm start` and the image do. `node dist/main.js` is the same service with some 40 MB
# more memory: these can only be said before a process starts. What the environment says already is left alone.
#
# By default each of Node's threads gets from glibc a heap of its own, and little of what they free goes back: 12 MB.
# What the service starts (ffmpeg) inherits it.
: "${MALLOC_ARENA_MAX:=2}" "${MALLOC_TRIM_THRESHOLD_:=131072}"
export MALLOC_ARENA_MAX MALLOC_TRIM_THRESHOLD_
# By default the main thread's young objects get 32 MB. With 2 MB for each half a post costs the same CPU, with 1 more.
# And a heap may grow to some twice of what was in use before it is looked through: 60 % more are enough, and cost nothing
# that can be measured (docs/PERFORMANCE.md).
exec node --heap-growing-percent=60 --max-semi-space-size=2 "$(dirname "$0")/../dist/main.js"
