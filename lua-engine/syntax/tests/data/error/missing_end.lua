function f()
  if x then
    y()
