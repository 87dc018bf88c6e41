local m: Map<string, List<number>> = {}
local n: Map<string, List<number>>= {}
