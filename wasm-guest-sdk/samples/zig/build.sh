#!/usr/bin/env bash
# Compiles the counter to `out/counter.wasm`. Needs zig, or `python3 -m ziglang` (pip install ziglang).
set -euo pipefail
cd "$(dirname "$0")"
if command -v zig >/dev/null; then zig=(zig); else zig=("${PYTHON:-python3}" -m ziglang); fi
mkdir -p out
cp ../../src/abi/process.component-type out/
# A stack of 16 KiB, so that the guest fits into one page of memory.
"${zig[@]}" build-exe counter.zig -target wasm32-freestanding -O ReleaseSmall -fstrip -fno-entry -flld --stack 16384 \
    --export=run --export=cabi_realloc -femit-bin=out/counter.wasm
rm -f out/*.o
printf 'sha256:%s' "$(sha256sum <out/counter.wasm | cut -d ' ' -f 1)" >out/counter.sha256
