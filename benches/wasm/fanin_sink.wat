;; Adds up n numbers and tells its parent. Its arguments are the parent's pid as text and n.
(data (i32.const 16) "sum")
(func (export "run") (param $args i32) (param i32) (result i32) (local $i i64) (local $sum i64) (local $kept i32)
  (local.set $kept (global.get $top))
  (loop $next
    (global.set $top (local.get $kept))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (local.set $sum (i64.add (local.get $sum) (i64.load offset=8 (call $next))))
    (br_if $next (i64.lt_s (local.get $i) (call $number (i32.add (local.get $args) (i32.const 48))))))
  (call $integer (i32.const 400) (local.get $sum))
  (call $tell (local.get $args) (i32.const 16) (i32.const 3) (i32.const 400) (i32.const 1))
  i32.const 1024)
