;; attack: tables without end
;; limit: memory: the guest is told, and goes on
;; ends: value 1000001
(table $t 1 funcref)
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1))))
  (call $number (i64.extend_i32_u (table.size $t))))
