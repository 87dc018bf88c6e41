--- case every format gives back what it was given
local text = string.rep("the same again and again, ", 500) .. "\0\255"
for _, name in ipairs({ "gzip", "deflate", "zlib", "brotli", "zstd" }) do
    local format = compress[name]
    for _, level in ipairs({ 1, 6, 9 }) do
        local packed = assert(format.encode(text, { level = level }))
        assert(format.decode(packed) == text and #packed < 400, name .. level .. " " .. #packed)
        assert(format.decode(packed, { max_size = #text }) == text)
    end
    assert(format.decode(format.encode("x")) == "x")
end
--- expect
--- case other programs write the same formats
for _, pair in ipairs({
    { "gzip", "1f8b0800000000000203cb48cdc9c9070086a6103605000000" },
    { "zlib", "789ccb48cdc9c90700062c0215" },
    { "deflate", "cb48cdc9c90700" },
    { "brotli", "0b028068656c6c6f03" },
    { "zstd", "28b52ffd045829000068656c6c6fa36d9f88" },
}) do show(pair[1] .. " " .. tostring(compress[pair[1]].decode(unhex(pair[2])))) end
--- expect
gzip hello
zlib hello
deflate hello
brotli hello
zstd hello
--- case what is wrong with arguments
show(compress.gzip.encode())
show(compress.gzip.encode(5))
show(compress.zstd.decode({}))
show(compress.brotli.encode(""))
show(compress.deflate.decode(""))
show(compress.gzip.encode("x", { level = 0 }))
show(compress.zlib.encode("x", { level = 10 }))
show(compress.brotli.encode("x", { level = 12 }))
show(compress.zstd.encode("x", { level = 23 }))
show(compress.zstd.encode("x", { dict = "" }))
show(compress.zstd.decode("x", { dict = 5 }))
show(compress.zstd.decode("x", { dict = "no dictionary" }))
show(compress.zstd.encode("x", { dict = "no dictionary" }))
assert(compress.gzip.encode("x", { level = "9" }) and compress.gzip.encode("x", "options"))
--- expect
nil Invalid string expected
nil Invalid string expected
nil Invalid string expected
nil Invalid input data cannot be empty
nil Invalid input data cannot be empty
nil Invalid compression level must be between 1 and 9
nil Invalid compression level must be between 1 and 9
nil Invalid brotli quality must be between 0 and 11
nil Invalid zstd level must be between 1 and 22
nil Invalid dict must be a non-empty string
nil Invalid dict must be a non-empty string
nil Invalid invalid zstd data
nil Internal invalid dictionary
--- case output is bounded
local text = string.rep("x", 100000)
for _, name in ipairs({ "gzip", "zlib", "zstd", "deflate", "brotli" }) do
    local packed = compress[name].encode(text)
    show(compress[name].decode(packed, { max_size = 99999 }))
    assert(#compress[name].decode(packed, { max_size = -1 }) == 100000)
end
--- expect
nil Internal decompressed size exceeds limit
nil Internal decompressed size exceeds limit
nil Internal decompressed size exceeds limit
nil Invalid invalid deflate data
nil Invalid invalid brotli data
--- case dictionaries
local samples = {}
for i = 1, 500 do samples[i] = string.format('{"id": %d, "name": "user %d", "mail": "user%d@example.org"}', i, i * 7, i) end
local dict = assert(compress.zstd.train_dict(samples, { size = 4096, id = 77 }))
local info = compress.zstd.inspect_dict(dict)
assert(#dict <= 4096 and info.content_size > 0 and info.content_size < #dict)
show(info.id)
local text = '{"id": 1234, "name": "user 9", "mail": "user9@example.org"}'
local packed = compress.zstd.encode(text, { dict = dict })
assert(#packed < #compress.zstd.encode(text))
show(compress.zstd.decode(packed, { dict = dict }))
show(compress.zstd.decode(packed))
local other = assert(compress.zstd.train_dict(samples))
assert(compress.zstd.inspect_dict(other).id ~= 0)
show(compress.zstd.decode(packed, { dict = other }))
show(compress.zstd.train_dict("x"))
show(compress.zstd.train_dict({}))
show(compress.zstd.train_dict({ 5 }))
show(compress.zstd.train_dict({ "" }))
show(compress.zstd.train_dict({ "short" }))
show(compress.zstd.train_dict(samples, { size = 255 }))
show(compress.zstd.train_dict(samples, { id = 2 ^ 32 }))
show(compress.zstd.train_dict(samples, { level = 0 }))
show(compress.zstd.inspect_dict(5))
show(compress.zstd.inspect_dict(""))
show(compress.zstd.inspect_dict("no dictionary"))
--- expect
77
{"id": 1234, "name": "user 9", "mail": "user9@example.org"}
nil Internal unknown dictionary
nil Internal unknown dictionary
nil Invalid samples must be a table of strings
nil Invalid samples table cannot be empty
nil Invalid samples entries must be strings
nil Invalid samples entries cannot be empty
nil Invalid at least one sample must be 8 bytes or longer
nil Invalid dict size must be between 256 and 1048576
nil Invalid dict id must fit in uint32
nil Invalid level must be between 1 and 22
nil Invalid dictionary must be a string
nil Invalid dictionary cannot be empty
nil Invalid invalid zstd dictionary
