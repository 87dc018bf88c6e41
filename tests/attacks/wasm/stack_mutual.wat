;; attack: two functions that call each other through a table
;; limit: stack
;; ends: Internal failed to call wasm method: run: wasm call failed: wasm error: stack overflow
(table 2 2 funcref)
(elem (i32.const 0) $even $odd)
(type $f (func (param i32) (result i32)))
(func $even (param i32) (result i32)
  (i32.add (call_indirect (type $f) (i32.add (local.get 0) (i32.const 1)) (i32.const 1)) (i32.const 1)))
(func $odd (param i32) (result i32)
  (i32.add (call_indirect (type $f) (i32.add (local.get 0) (i32.const 1)) (i32.const 0)) (i32.const 1)))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.extend_i32_u (call $even (i32.const 0)))))
