;; attack: loops in loops, ten thousand deep
;; limit: loops in each other
;; when: late
;; ends: refused
(func $nested (param i32) (result i32)
;; repeat 10000
  loop
;; end
;; repeat 10000
  (local.set 0 (i32.add (local.get 0) (i32.const -1)))
  (br_if 0 (local.get 0))
  end
;; end
  (local.get 0))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
