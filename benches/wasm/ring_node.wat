;; Passes a token on with one hop less. Its arguments are the pid of its parent as text and, unless that is sent to it
;; first, that of the next node.
(data (i32.const 16) "updonetokenstop")
(func (export "run") (param $args i32) (param $n i32) (result i32) (local $kept i32) (local $token i32) (local $hops i64)
  (call $resolve (local.get $args) (i32.const 1200))
  (if (i32.gt_u (local.get $n) (i32.const 1))
    (then (call $resolve (i32.add (local.get $args) (i32.const 48)) (i32.const 1232)))
    (else (call $resolve (call $next) (i32.const 1232))))
  (call $post (i32.const 1200) (i32.const 16) (i32.const 2) (i32.const 0))
  (local.set $kept (global.get $top))
  (loop $hop
    (global.set $top (local.get $kept))
    (local.set $token (call $next))
    ;; A text is the end, and goes round once more.
    (if (i32.eq (i32.load8_u (local.get $token)) (i32.const 4)) (then (call $end) (return (i32.const 1024))))
    (local.set $hops (i64.load offset=8 (local.get $token)))
    (if (i64.eqz (local.get $hops))
      (then
        (call $post (i32.const 1200) (i32.const 18) (i32.const 4) (i32.const 0))
        (call $end)
        (return (i32.const 1024))))
    (call $integer (i32.const 400) (i64.sub (local.get $hops) (i64.const 1)))
    (call $post (i32.const 1232) (i32.const 22) (i32.const 5) (i32.const 1))
    (br $hop))
  unreachable)
(func $end
  (i32.store8 (i32.const 400) (i32.const 4))
  (i32.store (i32.const 408) (i32.const 27))
  (i32.store (i32.const 412) (i32.const 4))
  (call $post (i32.const 1232) (i32.const 22) (i32.const 5) (i32.const 1)))
