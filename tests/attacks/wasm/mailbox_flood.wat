;; attack: messages without end to a process that does not read
;; limit: mailbox
;; ends: LimitExceeded mailbox of
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $to i32) (local $length i32)
  (call $argument (local.get $args) (i32.const 1)) (local.set $length) (local.set $to)
  (loop $l (br_if $l (i32.eqz (call $tell (local.get $to) (local.get $length) (i32.const 8) (i32.const 0)))))
  (call $fail (i32.const 516)))
