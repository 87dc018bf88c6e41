;; attack: deadlines that are over at once, without end
;; limit: cpu.share
;; ends: terminated
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $receive (i32.const 1) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
      (i32.const 1) (i64.const 1) (i32.const 640))
    (br $l))
  unreachable)
