-- attack: messages to a neighbour
-- limit: messages
-- ends: value PermissionDenied
return function(neighbour)
    local _, err = process.send(neighbour, "hello")
    return err:kind()
end
