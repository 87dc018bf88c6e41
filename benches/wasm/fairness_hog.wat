;; Computes fib(20) over and over until the time of the wall that its second argument says, and tells its parent, the
;; first, how often.
(data (i32.const 16) "fibs")
(func $fib (param i32) (result i32)
  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
    (then (local.get 0))
    (else (i32.add
      (call $fib (i32.sub (local.get 0) (i32.const 1)))
      (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
(func (export "run") (param $args i32) (param i32) (result i32) (local $count i64)
  (loop $again
    (drop (call $fib (i32.const 20)))
    (local.set $count (i64.add (local.get $count) (i64.const 1)))
    (br_if $again (i64.lt_s (call $wall) (call $number (i32.add (local.get $args) (i32.const 48))))))
  (call $integer (i32.const 400) (local.get $count))
  (call $tell (local.get $args) (i32.const 16) (i32.const 4) (i32.const 400) (i32.const 1))
  i32.const 1024)
