;; attack: asking for memory again and again
;; limit: memory
;; ends: LimitExceeded failed to call wasm method: run: wasm call failed: not enough memory: 16777536 bytes are wanted
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (drop (memory.grow (i32.const 1))) (br $l)) unreachable)
