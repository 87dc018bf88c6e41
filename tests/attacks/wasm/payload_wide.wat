;; attack: a message of a hundred thousand nils
;; limit: payloads of a message
;; ends: LimitExceeded a message may have 10000 payloads
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 100)))
  (drop (call $tell (i32.const 16) (i32.const 5) (i32.const 131072) (i32.const 100000)))
  (call $fail (i32.const 516)))
