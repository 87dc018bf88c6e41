--- case regular expressions find
local re = assert(text.regexp.compile([[(?P<user>\w+)@(\w+)\.org]]))
local mails = "ann@one.org, bob@two.org; nobody"
show(re:match_string(mails)) show(re:match_string("none"))
show(re:find_string(mails)) show(re:find_string("none"))
show(table.concat(re:find_all_string(mails), " ")) show(#re:find_all_string("none"))
show(table.concat(re:find_string_submatch(mails), " ")) show(re:find_string_submatch("none"))
local all = re:find_all_string_submatch(mails)
show(#all .. " " .. all[2][2] .. " " .. #re:find_all_string_submatch("none"))
show(table.concat(re:find_string_index("x ann@one.org"), " ")) show(re:find_string_index("none"))
show(#re:find_all_string_index(mails) .. " " .. table.concat(re:find_all_string_index(mails)[2], " "))
show(re:find_all_string_index("none"))
show(re:num_subexp()) show(table.concat(re:subexp_names(), "|")) show(re:string())
local empty = text.regexp.compile("x*")
show(empty:find_string("abc")) show(table.concat(empty:find_string_index("abc"), " ")) show(#empty:find_all_string("abc"))
show(text.regexp.compile([[(a)|(b)]]):find_string_submatch("b")[2] == "")
show(table.concat(text.regexp.compile([[\pL+]]):find_all_string("één twee"), "|"))
show(text.regexp.compile([[^\w+$]]):match_string("één"))
show(text.regexp.compile([[(?i)HELLO]]):find_string("say hello"))
show(text.regexp.compile("[^a]"):find_string("a\255b") ~= nil)
--- expect
true
false
ann@one.org
nil
ann@one.org bob@two.org
0
ann@one.org ann one
nil
2 bob 0
3 13
nil
2 14 24
nil
2
|user|
(?P<user>\w+)@(\w+)\.org
nil
1 0
4
true
één|twee
false
hello
true
--- case regular expressions replace and split
local re = text.regexp.compile([[(?P<first>\w+) (\w+)]])
show(re:replace_all_string("one two, three four", "$2 ${first}!"))
show(re:replace_all_string("one two", "$1x $$ ${9} ${first $"))
show(re:replace_all_string("none", "x"))
local comma = text.regexp.compile(",\\s*")
show(table.concat(comma:split("a, b,c,, d"), "|"))
show(table.concat(comma:split("a, b,c", 2), "|"))
show(#comma:split("a,b", 0)) show(#comma:split("")) show(table.concat(comma:split("a,b", -5), "|"))
show(table.concat(text.regexp.compile(""):split("abc"), "|"))
show(table.concat(text.regexp.compile("a*"):split("abaabaccadaaae", 5), "|"))
--- expect
two one!, four three!
 $  ${first $
none
a|b|c||d
a|b,c
0
1
a|b
a|b|c
|b|b|c|cadaaae
--- case patterns that are none
show(text.regexp.compile("("))
show(text.regexp.compile("a**"))
show(text.regexp.compile([[(a)\1]]))
show(text.regexp.compile("a{1,1001}"))
show(text.regexp.compile("(((a{100}){100}){100})"))
raised(text.regexp.compile)
--- expect
nil Invalid error parsing regexp: missing closing ): `(`
nil Invalid error parsing regexp: invalid nested repetition operator: `**`
nil Invalid error parsing regexp: invalid escape sequence: `\1`
nil Invalid error parsing regexp: invalid repeat count: `{1,1001}`
nil Invalid error parsing regexp: expression too large
bad argument #1 to compile (string expected, got no value)
--- case differences
local d = assert(text.diff.new())
local deltas = assert(d:compare("The cat\nsat", "The dog\nsat <b>"))
for _, x in ipairs(deltas) do show(x.operation .. " " .. x.text:gsub("\n", "N")) end
show((d:pretty_text(deltas):gsub("\27", "E"):gsub("\n", "N")))
show(d:pretty_html(deltas))
local sum = d:summarize(deltas)
show(sum.insertions .. " " .. sum.deletions .. " " .. sum.equals)
show((d:pretty_text({ { operation = "delete", text = "a\nb" }, { text = "?" } }):gsub("\27", "E"):gsub("\n", "N")))
show(#d:compare("same", "same") .. " " .. #d:compare("", ""))
show(text.diff.new("options") ~= nil)
--- expect
equal The 
delete cat
insert dog
equal Nsat
insert  <b>
The E[31mcatE[0mE[32mdogE[0mNsatE[32m <b>E[0m
<span>The </span><del style="background:#ffe6e6;">cat</del><ins style="background:#e6ffe6;">dog</ins><span>&para;<br>sat</span><ins style="background:#e6ffe6;"> &lt;b&gt;</ins>
7 3 8
E[31maE[0mNE[31mbE[0m?
1 0
true
--- case patches
local d = text.diff.new({ patch_margin = 4, match_threshold = 0.5 })
local old = "The quick brown fox jumps over the lazy dog.\n" .. string.rep("line\n", 100)
local new = old:gsub("lazy", "sleepy") .. "end\n"
local patches = assert(d:patch_make(old, new))
local result, all = d:patch_apply(patches, old)
assert(result == new and all == true)
local changed, fine = d:patch_apply(patches, "An intro. " .. old)
assert(changed == "An intro. " .. new and fine)
local lost, found = d:patch_apply(patches, "something else altogether, with nothing in common")
show(found)
show((d:patch_make("abc", "abd")[1].text:gsub("\n", "N")))
local same, ok = d:patch_apply({ { text = "no patch" }, {}, 5 }, "text")
show(same .. " " .. tostring(ok))
show(d:compare(string.rep("x", 2 ^ 19 + 1), ""))
--- expect
false
@@ -1,3 +1,3 @@N abN-cN+dN
text true
nil LimitExceeded a text may have 524288 characters
--- case splitting by separators
local s = assert(text.splitter.recursive({ chunk_size = 20, chunk_overlap = 8 }))
for _, chunk in ipairs(s:split_text("First one.\n\nSecond paragraph is a bit longer.\n\nThird.")) do show(chunk) end
local by_line = text.splitter.recursive({ chunk_size = 10, chunk_overlap = 0, separators = { "\n" }, keep_separator = true })
for _, chunk in ipairs(by_line:split_text("one\ntwo\nthree\nfour")) do show("<" .. chunk:gsub("\n", "N") .. ">") end
local meta = { file = "a" }
local batch = assert(s:split_batch({ { content = "short", metadata = meta }, { metadata = {} }, { content = string.rep("word ", 8) } }))
show(#batch .. " " .. batch[1].content .. " " .. batch[1].metadata.file)
assert(batch[1].metadata == meta and batch[2].metadata == batch[3].metadata)
--- expect
First one.
Second paragraph is
is a bit longer.
Third.
<oneNtwo>
<three>
<four>
4 short a
--- case splitting markdown
local source = [[
# Title

Intro text.

## Part *one*

- first
- second
  1. deep

> quoted
> text

| a | b |
|---|---|
| 1 | 2 |
| 3 | 4 |

```lua
x = 1
```

### Empty
]]
local function chunks(options)
    local s = assert(text.splitter.markdown(options))
    for _, chunk in ipairs(s:split_text(source)) do show((chunk:gsub("\n", "/"))) end
    show("--")
end
chunks({ chunk_size = 200, chunk_overlap = 0 })
chunks({ chunk_size = 200, chunk_overlap = 0, heading_hierarchy = true, join_table_rows = true, code_blocks = true })
--- expect
# Title/Intro text.
## Part *one*/- first/- second/  1. deep/> quoted/> text
## Part *one*/| a | b |/| --- | --- |/| 1 | 2 |
## Part *one*/| a | b |/| --- | --- |/| 3 | 4 |
### Empty
--
# Title/Intro text.
# Title/## Part *one*/- first/- second/  1. deep/> quoted/> text
# Title/## Part *one*/| a | b |/| --- | --- |/| 1 | 2 |/| 3 | 4 |//```lua/x = 1/```/
# Title/## Part *one*/### Empty
--
