;; attack: log lines without end
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (call $log (i32.const 0) (i32.const 16) (i32.const 100) (i32.const 8) (i32.const 0)) (br $l)) unreachable)
