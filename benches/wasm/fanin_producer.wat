;; Sends the numbers 1 to n. Its arguments are the receiver's pid as text and n.
(data (i32.const 16) "number")
(func (export "run") (param $args i32) (param i32) (result i32) (local $i i64)
  (call $resolve (local.get $args) (i32.const 1200))
  (loop $next
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (call $integer (i32.const 400) (local.get $i))
    (call $post (i32.const 1200) (i32.const 16) (i32.const 6) (i32.const 1))
    (br_if $next (i64.lt_s (local.get $i) (call $number (i32.add (local.get $args) (i32.const 48))))))
  i32.const 1024)
