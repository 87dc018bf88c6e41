;; attack: a start function without end
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(module
  (import "wippy:process/time@0.1.0" "now" (func (result i64)))
  (memory (export "memory") 1)
  (func $start (loop $l (br $l)))
  (start $start)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i32) (i32.const 1024)))
