local puppet = require("puppet")

return function() puppet.start():ask("log", "hello") end
