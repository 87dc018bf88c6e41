-- attack: values without end, against a type that contains itself
-- limit: the depth of values
-- ends: value refused refused
type Node = { next: Node? }
return function()
    local deep, circle = {}, {}
    circle.next = circle
    for _ = 1, 100000 do deep = { next = deep } end
    local function verdict(value)
        local found, err = Node:is(value)
        return found == nil and err ~= nil and "refused" or "accepted"
    end
    return verdict(deep) .. " " .. verdict(circle)
end
