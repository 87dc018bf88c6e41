;; Waits for one message, and tells its parent when that was. Its argument is the parent's pid as text.
(data (i32.const 16) "received")
(func (export "run") (param $args i32) (param i32) (result i32)
  (drop (call $next))
  (call $integer (i32.const 400) (call $wall))
  (call $tell (local.get $args) (i32.const 16) (i32.const 8) (i32.const 400) (i32.const 1))
  i32.const 1024)
