;; attack: recursion without end while the runtime hands over an answer
;; limit: stack
;; ends: Internal failed to call wasm method: run: wasm call failed: wasm error: stack overflow
(module
  (import "wippy:process/current@0.1.0" "entry-id" (func $entry_id (param i32)))
  (memory (export "memory") 1)
  (global $running (mut i32) (i32.const 0))
  (func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (result i32) (global.get $running) (then (call $deep (i32.const 0))) (else (i32.const 1024))))
  (func (export "run") (param i32 i32) (result i32)
    (global.set $running (i32.const 1))
    (call $entry_id (i32.const 512))
    (i32.const 1024)))
