;; Sends the numbers 1 to n to a new `bench:pong`, each when the one before has come back; then tells its parent. Its
;; arguments are the parent's pid as text and n.
(data (i32.const 16) "bench:pong")
(data (i32.const 32) "bench:processes")
(data (i32.const 48) "numberdonestop")
(func (export "run") (param $args i32) (param i32) (result i32) (local $n i64) (local $i i64) (local $kept i32)
  (local.set $n (call $number (i32.add (local.get $args) (i32.const 48))))
  (local.set $kept (global.get $top))
  (call $start (i32.const 16) (i32.const 10) (i32.const 32) (i32.const 15) (i32.const 8) (i32.const 0))
  (loop $next
    (global.set $top (local.get $kept))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (call $integer (i32.const 400) (local.get $i))
    (call $post (i32.const 256) (i32.const 48) (i32.const 6) (i32.const 1))
    (if (i64.ne (i64.load offset=8 (call $next)) (local.get $i)) (then unreachable))
    (br_if $next (i64.lt_s (local.get $i) (local.get $n))))
  (call $tell (local.get $args) (i32.const 54) (i32.const 4) (i32.const 400) (i32.const 1))
  (call $post (i32.const 256) (i32.const 58) (i32.const 4) (i32.const 0))
  i32.const 1024)
