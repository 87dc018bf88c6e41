-- attack: a table that grows and catches every error
-- limit: memory
-- ends: LimitExceeded not enough memory
return function()
    local all = {}
    while true do
        pcall(function() while true do all[#all + 1] = { #all } end end)
    end
end
