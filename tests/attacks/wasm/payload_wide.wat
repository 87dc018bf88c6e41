;; attack: a message of a hundred thousand nils
;; limit: message: it is small
;; ends: NotFound could not resolve 'topic'
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 100)))
  (drop (call $tell (i32.const 16) (i32.const 5) (i32.const 131072) (i32.const 100000)))
  (call $fail (i32.const 516)))
