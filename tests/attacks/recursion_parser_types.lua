-- attack: a type of a hundred thousand tables in tables
-- limit: the depth of types
-- when: late
-- ends: refused
type Deep =
-- repeat 100000
{ x:
-- end
number
-- repeat 100000
}
-- end
return function() end
