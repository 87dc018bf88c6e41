;; attack: handles that were never given
;; limit: handles
;; ends: Internal failed to call wasm method: run: wasm call failed: unknown handle index
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $wait (i32.const 7) (i32.const 512))
  (call $number (i64.const 0)))
