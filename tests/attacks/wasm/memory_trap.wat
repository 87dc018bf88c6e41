;; attack: a guest that cannot live with less
;; limit: memory: named as the reason
;; ends: LimitExceeded failed to call wasm method: run: wasm call failed: not enough memory: 65667392 bytes are wanted and 16777216 allowed: wasm error: unreachable
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))
  (call $number (i64.const 0)))
