local function text(v)
    if math.type(v) == "float" then return string.format("%.14g", v) end
    if type(v) == "userdata" and v.kind and v.retryable then return v:kind() .. "/" .. tostring(v:retryable()) .. ": " .. v:message() end
    return tostring(v)
end
local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do t[i] = text(t[i]) end
    print(table.concat(t, " | "))
end
local function try(f, ...) show(select(2, pcall(f, ...))) end
local time = require("time")
local function at(y, mo, d, h, mi, s, ns) return time.date(y, mo, d, h or 0, mi or 0, s or 0, ns or 0, time.utc) end
for _, k in ipairs { "NANOSECOND", "MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "JANUARY", "DECEMBER", "SUNDAY", "SATURDAY" } do show(k, time[k]) end
local t = at(2024, 2, 29, 13, 4, 5, 123456789)
for _, k in ipairs { "RFC3339", "RFC3339NANO", "RFC822", "RFC822Z", "RFC850", "RFC1123", "RFC1123Z", "KITCHEN", "STAMP", "STAMP_MILLI",
    "STAMP_MICRO", "STAMP_NANO", "DATE_TIME", "DATE_ONLY", "TIME_ONLY" } do show(k, time[k], t:format(time[k])) end
show(t, type(t), t:format_rfc3339(), t.unknown, t == at(2024, 2, 29, 13, 4, 5, 123456789))
show(t:unix(), t:unix_nano(), t:date()) show(t:clock()) show(t:year(), t:month(), t:day(), t:hour(), t:minute(), t:second(), t:nanosecond(), t:weekday(), t:year_day())
show(time.now(), time.now():location(), time.now():unix())
show(at(2024, 1, 32)) show(at(2024, 13, 1)) show(at(2024, 0, 0)) show(at(2024, 1, 1, -1)) show(at(2023, 1, 31):add_date(0, 1, 0)) show(at(2024, 1, 31):add_date(0, 1, 0)) show(at(2024, 2, 29):add_date(1, 0, 0)) show(at(1, 1, 1), at(1, 1, 1):is_zero(), t:is_zero()) show(at(-5, 3, 4)) show(at(12345, 1, 1))
show(time.unix(0, 0):utc()) show(time.unix(1, 1500000000):utc()) show(time.unix(-1, -1):utc())
show(t:add(time.HOUR)) show(t:add("1h30m")) show(t:add(time.parse_duration("-1.5s"))) show(t:sub(at(2024, 2, 29))) show(at(2024, 1, 1):sub(t))
show(t:before(at(2025, 1, 1)), t:after(at(2025, 1, 1)), t:equal(at(2024, 2, 29, 13, 4, 5, 123456789)))
show(t:round(time.parse_duration("1h"))) show(t:truncate(time.parse_duration("1h"))) show(t:round(time.parse_duration("1s"))) show(t:truncate(time.parse_duration("0"))) show(at(2024, 1, 1, 0, 30):round(time.parse_duration("1h")))
-- durations
for _, d in ipairs { "1h30m", "1.5s", "250ms", "0", "0s", "-2m", "1us", "1µs", "15ns", "+5s", ".5s", "1h0m0.001s", "100h", "1m1ms", "2562047h47m16.854775807s", 1500, 1.9 } do
    local v, e = time.parse_duration(d) show(d, v, e)
end
local d = time.parse_duration("1h30m1.5s")
show(d:nanoseconds(), d:microseconds(), d:milliseconds(), d:seconds(), d:minutes(), d:hours(), type(d))
for _, v in ipairs { "", "5", "x", "1d", "1h ", "-", ".", "1.2.3s", "1", "s", "99999999999h", true, {} } do show(tostring(v):sub(1, 5), time.parse_duration(v)) end show(time.parse_duration())
-- zones
local ny = time.load_location("America/New_York")
show(ny, ny:string(), type(ny), time.utc, time.localtz, time.fixed_zone("X", 3600))
show(t:in_location(ny)) show(t:in_location(time.fixed_zone("", 5400))) show(t:in_location(time.fixed_zone("FOO", -3661)):format("MST -07:00:00 -070000 -07 Z07:00 Z0700 Z07 Z07:00:00 Z070000"))
show(time.date(2024, 3, 10, 2, 30, 0, 0, ny)) show(time.date(2024, 11, 3, 1, 30, 0, 0, ny)) show(time.date(2024, 7, 1, 12, 0, 0, 0, ny):utc()) show(time.date(2024, 7, 1, 12, 0, 0, 0, ny):location())
show(time.load_location("")) show(time.load_location("No/Where")) show(time.load_location("UTC")) show(time.load_location("Local")) show(time.load_location("Europe/Berlin")) show(t:in_local():location())
-- layouts
for _, l in ipairs { "2006 06 01 1 Jan January 02 2 _2 002 __2 Mon Monday 15 03 3 PM pm 04 4 05 5", "05.000 05,000 05.999 05.0 05.000000000", "MST -0700 -07:00 -07 -070000 -07:00:00 Z0700 Z07:00 Z07 Zulu Z", "Month Jane Mond x_2006 .05 05.99x .0001", "" } do show(t:format(l)) end
show(at(2024, 1, 5, 0, 0, 0):format("_2|__2|3PM|.999|05.999|05.9")) show(at(2024, 1, 5, 12):format("3pm"))
-- parsing
local function parse(l, v, ...) show(l, v, time.parse(l, v, ...)) end
parse(time.RFC3339, "2024-02-29T13:04:05Z") parse(time.RFC3339, "2024-02-29T13:04:05.25+02:00") parse(time.RFC3339NANO, "2024-02-29T13:04:05.123456789-07:00") parse(time.RFC1123, "Thu, 29 Feb 2024 13:04:05 GMT") parse(time.RFC1123, "Thu, 29 Feb 2024 13:04:05 EST") parse(time.RFC1123Z, "Thu, 29 Feb 2024 13:04:05 +0100") parse(time.KITCHEN, "3:04PM") parse(time.KITCHEN, "12:04AM") parse(time.DATE_ONLY, "2024-02-29") parse(time.DATE_TIME, "2024-02-29 13:04:05", ny) parse(time.DATE_ONLY, "2024-07-01", ny) parse("Jan _2 2006", "Feb  9 2024") parse("2006-002", "2024-060") parse("2006 __2", "2024  60") parse("06", "69") parse("06", "68") parse("MST", "EST", ny) parse("2006-01-02 MST", "2024-07-01 EDT", ny) parse("MST", "GMT+3") parse("Monday", "tuesday") parse("15:04:05", "01:02:03,5") parse("05.000", "07.123") parse("05.999", "07") parse("-07", "+05") parse("", "") parse("2006  x", "2024 x") parse("Z0700", "Z")
parse(time.RFC3339, "2024-13-01T00:00:00Z") parse(time.RFC3339, "2024-02-30T00:00:00Z") parse(time.RFC3339, "hello") parse(time.RFC3339, "2024-02-01T25:00:00Z") parse(time.RFC3339, "2024-02-01T00:60:00Z") parse(time.RFC3339, "2024-02-01T00:00:61Z") parse(time.DATE_ONLY, "2024-01-01 extra") parse("Jan", "Foo") parse("MST", "xx") parse("-07:00", "+99:00") parse("-07:00", "0100") parse("2006-002", "2023-366") parse("01 002", "05 001") parse("3PM", "13PM") parse("3PM", "1XM") parse("05.000", "05.12") parse("2006", "\"q\\\195\164")
-- argument errors
try(time.date) try(time.date, 2024, 1, 1, 0, 0, 0) try(time.date, 2024, 1, 1, 0, 0, 0, 0, nil) try(time.date, 2024, 1, 1, 0, 0, 0, 0, "UTC") try(time.unix, 1) try(time.unix, "x", 1) try(time.parse) try(time.parse, "x") try(time.parse, "2006", "2024", nil) try(time.fixed_zone, "x") try(time.load_location)
try(t.add, t) try(t.add, t, "1d") try(t.sub, t, 1) try(t.add_date, t, 1) try(t.before, t) try(t.before, 1, t) try(t.format, t) try(t.in_location, t, "UTC") try(t.round, t, 5) try(t.truncate, t, "1h") try(d.hours, t) try(ny.string, t) try(t.unix)
show(pcall(function() time.SECOND = 1 end)) show(getmetatable(t), pcall(setmetatable, time, {}))
-- os
show(os.time(), os.time { year = 2024, month = 2, day = 3 }, os.time { year = 2024, month = 14, day = -1, hour = 25 }, os.time {}, os.difftime(10, 4), os.clock(), os.platform, os.getenv, os.execute, os.exit, os.remove)
show(os.date()) show(os.date("%a %A %b %B %c|%d %H %I %j %m %M %p %S %U %w %W %x %X %y %Y %z %Z %% %Q %", 1706933106)) show(os.date("!%c", 0)) show(os.date("!%Y-%m-%d", 1e9))
local dt = os.date("*t", 86400 * 365.0) show(dt.year, dt.month, dt.day, dt.hour, dt.min, dt.sec, dt.wday, dt.yday, dt.isdst)
try(os.time, 1) try(os.date, "%c", "x") try(os.difftime)
