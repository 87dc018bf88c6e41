;; attack: a process that only ever replaces itself
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $upgrade (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0))
  unreachable)
