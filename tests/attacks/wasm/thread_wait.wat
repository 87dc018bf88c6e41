;; attack: blocking the thread of the runtime
;; limit: the language: there are no shared memories
;; when: late
;; ends: refused
(module
  (import "wippy:process/time@0.1.0" "now" (func (result i64)))
  (memory (export "memory") 1 1 shared)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i32)
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
    (i32.const 1024)))
