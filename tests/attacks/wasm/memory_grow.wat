;; attack: all the memory there is
;; limit: memory: the guest is told, and goes on
;; ends: value 255
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (call $number (i64.extend_i32_u (memory.size))))
