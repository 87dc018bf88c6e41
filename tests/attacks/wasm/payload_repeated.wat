;; attack: a thousand payloads that all name the same megabyte
;; limit: message
;; ends: LimitExceeded value is larger than 1048576 bytes
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $n i32) (local $at i32)
  (drop (memory.grow (i32.const 100)))
  (local.set $at (i32.const 131072))
  (loop $l
    (i32.store8 (local.get $at) (i32.const 5))
    (i32.store offset=8 (local.get $at) (i32.const 0))
    (i32.store offset=12 (local.get $at) (i32.const 1000000))
    (local.set $at (i32.add (local.get $at) (i32.const 48)))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
  (drop (call $tell (i32.const 16) (i32.const 5) (i32.const 131072) (i32.const 1000)))
  (call $fail (i32.const 516)))
