;; attack: a text that is none
;; limit: UTF-8
;; ends: Internal failed to call wasm method: run: wasm call failed: invalid utf-8
(data (i32.const 64) "\ff\fe\fd")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (call $tell (i32.const 64) (i32.const 3) (i32.const 8) (i32.const 0)))
  (call $number (i64.const 0)))
