-- attack: an expression of a hundred thousand brackets
-- limit: the depth of expressions
-- when: late
-- ends: refused
return
-- repeat 100000
(
-- end
1
-- repeat 100000
)
-- end
