-- Library: percentiles of lateness, nearest rank, from nanoseconds to microseconds.
local function percentile(p, sorted)
    return sorted[math.max(1, (#sorted * p + 99) // 100)] / 1000
end

return {
    percentiles = function(late)
        table.sort(late)
        return { p50_us = percentile(50, late), p99_us = percentile(99, late), max_us = late[#late] / 1000 }
    end,
}
