f()
(g or h)()
