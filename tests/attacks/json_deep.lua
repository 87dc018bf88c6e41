-- attack: a text of a million brackets
-- limit: the decoder
-- modules: json
-- ends: value true
return function()
    local value, err = json.decode(string.rep("[", 1000000))
    return tostring(value == nil and err ~= nil)
end
