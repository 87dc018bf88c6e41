;; attack: code that is damaged
;; limit: validation
;; when: late
;; ends: refused
(module
  (import "wippy:process/time@0.1.0" "now" (func (result i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i64.const 1024))
  (func (export "run") (param i32 i32) (result i32) (drop) (i32.const 1024)))
