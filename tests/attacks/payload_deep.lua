-- attack: a message of endless depth
-- limit: the encoder
-- ends: value true
return function()
    local t = {}
    t.t = t
    local deep = {}
    for _ = 1, 100000 do deep = { deep } end
    local sent = pcall(process.send, process.pid(), "cycle", t)
    local ok, err = process.send(process.pid(), "deep", deep)
    return tostring(sent ~= nil and (ok == nil) == (err ~= nil))
end
