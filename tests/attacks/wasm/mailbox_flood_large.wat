;; attack: large messages without end to itself
;; limit: mailbox
;; ends: LimitExceeded mailbox of
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (i32.store8 (i32.const 320) (i32.const 5))
  (i32.store (i32.const 328) (i32.const 0))
  (i32.store (i32.const 332) (i32.const 100000))
  (call $self_pid (i32.const 256))
  (loop $l
    (call $send (i32.const 0) (i32.load (i32.const 256)) (i32.load (i32.const 260)) (i64.load (i32.const 264))
      (i32.const 16) (i32.const 5) (i32.const 320) (i32.const 1) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  (call $fail (i32.const 516)))
