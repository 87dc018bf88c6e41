;; attack: watching and not watching, without end
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $to i32) (local $length i32)
  (call $argument (local.get $args) (i32.const 1)) (local.set $length) (local.set $to)
  (loop $l
    (call $forget)
    (call $monitor (i32.const 1) (local.get $to) (local.get $length) (i64.const 0) (i32.const 512))
    (call $unmonitor (i32.const 1) (local.get $to) (local.get $length) (i64.const 0) (i32.const 512))
    (br $l))
  unreachable)
