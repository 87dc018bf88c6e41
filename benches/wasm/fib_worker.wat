;; Naive recursive fib(30), n times; gives the sum. Its argument is n.
(func $fib (param i64) (result i64)
  (if (result i64) (i64.lt_s (local.get 0) (i64.const 2))
    (then (local.get 0))
    (else (i64.add
      (call $fib (i64.sub (local.get 0) (i64.const 1)))
      (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
(func (export "run") (param $args i32) (param i32) (result i32) (local $i i64) (local $sum i64)
  (loop $again
    (local.set $sum (i64.add (local.get $sum) (call $fib (i64.const 30))))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (br_if $again (i64.lt_s (local.get $i) (call $number (local.get $args)))))
  (call $integer (i32.const 1032) (local.get $sum))
  i32.const 1024)
