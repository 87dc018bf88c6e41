;; attack: sleeping for a nanosecond, without end
;; limit: cpu.share
;; ends: terminated
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (call $sleep (i64.const 1)) (br $l)) unreachable)
