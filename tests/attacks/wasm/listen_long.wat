;; attack: a topic whose name is a megabyte
;; limit: topics of one guest
;; ends: LimitExceeded the name of a topic may have 1024 bytes
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 16)))
  (memory.fill (i32.const 131072) (i32.const 97) (i32.const 1000000))
  (call $listen (i32.const 131072) (i32.const 1000000) (i32.const 512))
  (call $fail (i32.const 516)))
