;; attack: having the answer written beyond the end of the memory
;; limit: the memory of the guest
;; ends: Internal failed to call wasm method: run: wasm call failed: pointer out of bounds
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $self_pid (i32.const -8))
  (call $number (i64.const 0)))
