;; attack: blocks in blocks, a hundred thousand deep
;; limit: none: it is compiled in time
;; when: late
;; ends: value 0
(func $nested (param i32) (result i32)
;; repeat 100000
  block
;; end
  (br_if 99999 (local.get 0))
;; repeat 100000
  end
;; end
  (local.get 0))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
