;; attack: room for an answer that lies in nobody's memory
;; limit: the memory of the guest
;; ends: Internal failed to call wasm method: run: wasm call failed: realloc return: beyond end of memory
(module
  (import "wippy:process/current@0.1.0" "entry-id" (func $entry_id (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const -16))
  (func (export "run") (param i32 i32) (result i32)
    (call $entry_id (i32.const 512))
    (i32.const 1024)))
