;; attack: keeping messages back by never asking for them
;; limit: mailbox
;; ends: LimitExceeded mailbox of
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $self_pid (i32.const 256))
  (loop $l
    (call $send (i32.const 0) (i32.load (i32.const 256)) (i32.load (i32.const 260)) (i64.load (i32.const 264))
      (i32.const 16) (i32.const 5) (i32.const 8) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.const 516)))))
    ;; Events only, and none comes.
    (call $receive (i32.const 2) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
      (i32.const 1) (i64.const 0) (i32.const 640))
    (br $l))
  unreachable)
