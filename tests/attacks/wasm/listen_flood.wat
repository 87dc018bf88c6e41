;; attack: topics without end
;; limit: topics of one guest
;; ends: LimitExceeded a process may listen to 1000 topics
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $forget)
    (i64.store (i32.const 64) (i64.and (call $random) (i64.const 0x3f3f3f3f3f3f3f3f)))
    (i64.store (i32.const 64) (i64.or (i64.load (i32.const 64)) (i64.const 0x0101010101010101)))
    (i32.store8 (i32.const 64) (i32.const 97))
    (call $listen (i32.const 64) (i32.const 8) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  (call $fail (i32.const 516)))
