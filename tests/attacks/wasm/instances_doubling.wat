;; attack: a component that has itself inside twice, twenty times over
;; limit: instances of one guest
;; when: late
;; arguments: none
;; entry: , method: go
;; ends: refused
(component
  (core module $m (func (export "go")))
  (core instance $first (instantiate $m))
  (component $c0 (core module $m (func)) (core instance (instantiate $m)))
;; repeat 20
  (component $d$n (alias outer 1 $n (component $inner)) (instance (instantiate $inner)) (instance (instantiate $inner)))
;; end
  (instance (instantiate $d19))
  (func (export "go") (canon lift (core func $first "go"))))
