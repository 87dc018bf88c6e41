-- attack: a table that contains itself, as JSON
-- limit: the encoder
-- modules: json
-- ends: value true
return function()
    local t = {}
    t.t = t
    local deep = {}
    for _ = 1, 100000 do deep = { deep } end
    local text, err = json.encode(t)
    local text2, err2 = json.encode(deep)
    return tostring(text == nil and err ~= nil and text2 == nil and err2 ~= nil)
end
