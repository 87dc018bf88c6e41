;; Says that it is up, waits for one message, and answers it. Its argument is the pid of its parent as text.
(data (i32.const 16) "upwoken")
(func (export "run") (param $args i32) (param i32) (result i32)
  (call $tell (local.get $args) (i32.const 16) (i32.const 2) (i32.const 8) (i32.const 0))
  (drop (call $next))
  (call $tell (local.get $args) (i32.const 18) (i32.const 5) (i32.const 8) (i32.const 0))
  i32.const 1024)
