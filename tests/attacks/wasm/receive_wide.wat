;; attack: waiting for a hundred thousand topics
;; limit: topics and calls of one wait
;; ends: LimitExceeded failed to call wasm method: run: wasm call failed: a process may wait for 1000 topics and calls
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 16)))
  (call $receive (i32.const 0) (i32.const 131072) (i32.const 100000) (i32.const 8) (i32.const 0)
    (i32.const 1) (i64.const 1000) (i32.const 640))
  (call $number (i64.const 0)))
