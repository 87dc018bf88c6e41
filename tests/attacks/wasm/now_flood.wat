;; attack: looking at the clock without end
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (drop (call $now)) (br $l)) unreachable)
