;; attack: recursion without end
;; limit: stack
;; ends: Internal failed to call wasm method: run: wasm call failed: wasm error: stack overflow
(func $deep (param i64) (result i64) (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (call $deep (i64.const 0))))
