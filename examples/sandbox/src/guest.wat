;; A guest in WebAssembly that means harm.
(module
  (memory 1)
  ;; Computes for ever.
  (func (export "spin") (result i32)
    (loop $again (br $again))
    unreachable)
  ;; Takes memory as long as it gets any; how many pages of 64 KiB that were.
  (func (export "eat") (result i32)
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    memory.size))
