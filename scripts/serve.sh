#!/bin/sh
# Starts the built service with settings that must be given before a process starts. docs/PERFORMANCE.md has their effect on
# memory and CPU.
#
# Two malloc arenas instead of one for each thread. Settings of the environment win; child processes (ffmpeg) inherit them.
: "${MALLOC_ARENA_MAX:=2}"
export MALLOC_ARENA_MAX
# Semi-spaces of 2 MB instead of 16 MB for young objects of the main thread.
exec node --max-semi-space-size=2 "$(dirname "$0")/../dist/main.js"
