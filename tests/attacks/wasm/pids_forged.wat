;; attack: guessed pids
;; limit: messages
;; ends: value 0
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $host i32) (local $seq i64) (local $reached i64)
  (call $self_pid (i32.const 256))
  (loop $hosts
    (local.set $seq (i64.const 0))
    (loop $processes
      (call $send (i32.const 0) (i32.load (i32.const 256)) (local.get $host) (local.get $seq)
        (i32.const 16) (i32.const 5) (i32.const 8) (i32.const 0) (i32.const 512))
      ;; Processes of the own host may be written to.
      (if (i32.eqz (i32.or (i32.load8_u (i32.const 512)) (i32.eq (local.get $host) (i32.load (i32.const 260)))))
        (then (local.set $reached (i64.add (local.get $reached) (i64.const 1)))))
      (call $forget)
      (local.set $seq (i64.add (local.get $seq) (i64.const 1)))
      (br_if $processes (i64.lt_u (local.get $seq) (i64.const 64))))
    (local.set $host (i32.add (local.get $host) (i32.const 1)))
    (br_if $hosts (i32.lt_u (local.get $host) (i32.const 40))))
  ;; Numbers at the ends.
  (call $send (i32.const 0) (i32.const -1) (i32.const -1) (i64.const -1)
    (i32.const 16) (i32.const 5) (i32.const 8) (i32.const 0) (i32.const 512))
  (if (i32.eqz (i32.load8_u (i32.const 512))) (then (local.set $reached (i64.const -1))))
  (call $number (local.get $reached)))
