;; attack: a list longer than the memory
;; limit: the memory of the guest
;; ends: Internal failed to call wasm method: run: wasm call failed: list pointer/length out of bounds of memory
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (call $tell (i32.const 16) (i32.const 5) (i32.const 8) (i32.const 0x7fffffff)))
  (call $number (i64.const 0)))
