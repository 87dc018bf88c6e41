-- attack: an endless error handler
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded | LimitExceeded a callback that cannot be interrupted
return function()
    while true do
        xpcall(error, function() while true do end end)
    end
end
