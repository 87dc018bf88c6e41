-- attack: channels that nobody forgets
-- limit: memory
-- ends: value true
return function()
    local all = {}
    local ok = pcall(function() while true do all[#all + 1] = channel.new(1 << 20) end end)
    local huge = pcall(channel.new, 1 << 60)
    all = nil
    return tostring(not ok and huge ~= nil)
end
