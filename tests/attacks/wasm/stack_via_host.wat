;; attack: calling the runtime while it hands over an answer, without end
;; limit: the contract: nothing is called from there
;; ends: Internal failed to call wasm method: run: wasm call failed: wasm error: cannot leave component instance
(module
  (import "wippy:process/current@0.1.0" "entry-id" (func $entry_id (param i32)))
  (memory (export "memory") 1)
  (global $running (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (global.get $running) (then (call $entry_id (i32.const 512))))
    (i32.const 1024))
  (func (export "run") (param i32 i32) (result i32)
    (global.set $running (i32.const 1))
    (call $entry_id (i32.const 512))
    (i32.const 1024)))
