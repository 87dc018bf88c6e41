;; attack: an interface that its host denies
;; limit: capabilities
;; arguments: none
;; entry: , method: go, imports: ["wasi:cli"]
;; ends: PermissionDenied capability "wasi:cli" is denied by host app:tenants
(component
  (core module $m (func (export "go")))
  (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))
