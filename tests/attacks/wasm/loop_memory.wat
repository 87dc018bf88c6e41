;; attack: writing all of the memory again and again
;; limit: cpu.call
;; ends: Timeout cpu limit exceeded (200ms)
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 200)))
  (loop $l (memory.fill (i32.const 131072) (i32.const 1) (i32.const 0xc80000)) (br $l)) unreachable)
