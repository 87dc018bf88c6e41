#!/usr/bin/env bash
# Compiles the counter to `out/counter.wasm`. Needs a clang with wasm-ld, or `python3 -m ziglang` (pip install ziglang).
set -euo pipefail
cd "$(dirname "$0")"
if [ -z "${CC:-}" ]; then
    if command -v clang >/dev/null && command -v wasm-ld >/dev/null; then
        CC="clang --target=wasm32-unknown-unknown"
    else
        CC="${PYTHON:-python3} -m ziglang cc --target=wasm32-freestanding"
    fi
fi
mkdir -p out
cp ../../src/abi/process.component-type out/
# A stack of 16 KiB, so that the guest fits into one page of memory.
$CC -Os -std=c11 -Wall -nostdlib -Wa,-Iout -Wl,--no-entry,--strip-debug,-z,stack-size=16384 \
    -o out/counter.wasm counter.c
printf 'sha256:%s' "$(sha256sum <out/counter.wasm | cut -d ' ' -f 1)" >out/counter.sha256
