if a != b then return end
