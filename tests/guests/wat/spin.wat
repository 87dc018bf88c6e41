;; Computes for ever.
(module (func (export "spin") (loop $again br $again)))
