;; attack: a hundred thousand types
;; limit: none: they are read in time
;; when: late
;; ends: value 0
;; repeat 100000
(type (func (param i32) (result i64 i32)))
;; end
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
