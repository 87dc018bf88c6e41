;; attack: a value nested a million deep, in JSON
;; limit: nesting
;; ends: Invalid invalid JSON: recursion limit exceeded
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 16)))
  (memory.fill (i32.const 131072) (i32.const 0x5b) (i32.const 1000000))
  (call $transcode (i32.const 2) (i32.const 131072) (i32.const 1000000) (i32.const 0) (i32.const 512))
  (call $fail (i32.const 516)))
