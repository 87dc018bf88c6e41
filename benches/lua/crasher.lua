local function main()
    process.listen("crash"):receive()
    error("crashed")
end

return { main = main }
