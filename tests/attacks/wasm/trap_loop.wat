;; attack: a guest that traps as fast as it is started again
;; limit: cpu.share
;; when: again and again
;; ends: terminated
(func (export "run") (param $args i32) (param $count i32) (result i32)
  unreachable)
