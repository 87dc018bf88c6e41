-- attack: a text that doubles
-- limit: memory
-- ends: value not enough memory
return function()
    local text = "x"
    local _, why = pcall(function() while true do text = text .. text end end)
    return tostring(why)
end
