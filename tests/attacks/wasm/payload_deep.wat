;; attack: a value nested a hundred thousand deep, in the flat form
;; limit: nesting
;; ends: Invalid value is nested deeper than 128 levels
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $at i32)
  (drop (memory.grow (i32.const 16)))
  (local.set $at (i32.const 131072))
  (loop $l
    (i32.store8 (local.get $at) (i32.const 9))
    (i32.store offset=1 align=1 (local.get $at) (i32.const 1))
    (local.set $at (i32.add (local.get $at) (i32.const 5)))
    (br_if $l (i32.lt_u (local.get $at) (i32.const 631072))))
  (call $transcode (i32.const 0) (i32.const 131072) (i32.const 500001) (i32.const 0) (i32.const 512))
  (call $fail (i32.const 516)))
