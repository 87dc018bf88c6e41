;; attack: calls that nobody waits for
;; limit: handles
;; ends: LimitExceeded too many calls are pending
(data (i32.const 64) "app:calls_itself")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $start (i32.const 64) (i32.const 16) (i32.const 8) (i32.const 0)
      (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 128))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 128)))))
  (call $fail (i32.const 132)))
