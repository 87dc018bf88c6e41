;; attack: beginning with more than is allowed
;; limit: memory
;; ends: LimitExceeded failed to instantiate wasm module: [runtime] instantiation: instantiate module (caused by: not enough memory
(module
  (import "wippy:process/time@0.1.0" "now" (func (result i64)))
  (memory (export "memory") 300)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i32) (i32.const 1024)))
