;; attack: a loop without end while the runtime hands over an answer
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(module
  (import "wippy:process/current@0.1.0" "entry-id" (func $entry_id (param i32)))
  (memory (export "memory") 1)
  (global $running (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (global.get $running) (then (loop $l (br $l))))
    (i32.const 1024))
  (func (export "run") (param i32 i32) (result i32)
    (global.set $running (i32.const 1))
    (call $entry_id (i32.const 512))
    (i32.const 1024)))
