local function pay<T: Money>(m: T, ...: any): (T?, string?)
    return m, nil
end
