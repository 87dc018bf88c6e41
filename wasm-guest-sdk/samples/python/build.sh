#!/usr/bin/env bash
# Makes `out/counter.wasm`. Needs componentize-py (pip install componentize-py), by name or as COMPONENTIZE_PY.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p out
"${COMPONENTIZE_PY:-componentize-py}" -d ../../wit -w process componentize --stub-wasi counter -o out/counter.wasm
printf 'sha256:%s' "$(sha256sum <out/counter.wasm | cut -d ' ' -f 1)" >out/counter.sha256
