;; Traps when a message comes.
(func (export "run") (param i32 i32) (result i32)
  (drop (call $next))
  unreachable)
