;; attack: a guest that takes all its memory as fast as it is started again
;; limit: memory and cpu.share
;; when: again and again
;; ends: terminated
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 254)))
  (memory.fill (i32.const 131072) (i32.const 1) (i32.const 0xfe0000))
  unreachable)
