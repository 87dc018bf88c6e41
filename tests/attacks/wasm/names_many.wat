;; attack: all the names there are
;; limit: handles
;; ends: LimitExceeded a process may have 32 names
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (i64.store (i32.const 64) (i64.or (i64.and (call $random) (i64.const 0x3f3f3f3f3f3f3f3f)) (i64.const 0x4141414141414141)))
    (call $register (i32.const 64) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  (call $fail (i32.const 516)))
