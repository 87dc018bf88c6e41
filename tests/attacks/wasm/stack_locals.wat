;; attack: frames that are a quarter of the stack
;; limit: stack
;; ends: Internal failed to call wasm method: run: wasm call failed: wasm error: stack overflow
(func $large (param $n i64) (result i64)
;; repeat 4000
  (local $l$n i64)
;; end
;; repeat 4000
  (local.set $l$n (i64.load (i32.const $n)))
;; end
  (local.set $n (i64.add (local.get $n) (call $deep)))
;; repeat 4000
  (local.set $n (i64.add (local.get $n) (local.get $l$n)))
;; end
  (local.get $n))
(func $deep (result i64) (i64.add (call $large (i64.const 1)) (i64.const 1)))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (call $deep)))
