//! The string library of the dialect (chapter 60, section 13.2, and chapter 10), row by row.

mod support;

use support::check;

#[test]
fn strings() {
    check(&[
        ("return string.byte('ABC'), string.byte('ABC', 2, 3), ('x'):byte(-1), string.byte('', 1)", "65 66 120"),
        ("return string.char(72, 105), string.char()", "Hi "),
        ("string.dump(function() end)", "!t:1: GopherLua does not support the string.dump"),
        (
            "return string.find('hello', 'l'), string.find('hello', 'xyz'), string.find('a.b', '.', 1, true)",
            "3 nil 2 2",
        ),
        ("return string.find('hello', '(l)(l)'), string.find('', ''), string.find('abc', 'b', -1)", "3 1 nil"),
        ("return string.find('abc', '')", "1 0"),
        ("return string.match('key = val', '(%w+)%s*=%s*(%w+)'), ('x'):match('y')", "key nil"),
        ("return string.match('key = val', '(%w+)%s*=%s*(%w+)')", "key val"),
        ("return string.match('hello', '()ll()')", "3 5"),
        ("return string.match('f(a(b)c)d', '%b()'), string.match('THE (quick) fox', '%f[%a]%a+%f[%A]')", "(a(b)c) THE"),
        (
            "local t = {} for w in string.gmatch('one two', '%a+') do t[#t+1] = w end for w in string.gfind('3 4', '%d') do t[#t+1] = w end return table.concat(t, ',')",
            "one,two,3,4",
        ),
        ("return string.gsub('hello', 'l', 'L'), string.gsub('hello', 'l', 'L', 1)", "heLLo heLlo 1"),
        (
            "return (string.gsub('$a $b', '%$(%w+)', {a = 1, b = 'two'})), (string.gsub('abc', '%w', function(c) return c:upper() end))",
            "1 two ABC",
        ),
        (
            "return (string.gsub('hello world', '(%w+) (%w+)', '%2 %1')), (string.gsub('abc', '', '-'))",
            "world hello -a-b-c-",
        ),
        ("string.gsub('x', 'x', '%2')", "!t:1: invalid capture index %2"),
        ("return string.len(''), ('héllo'):len(), #'abc'", "0 6 3"),
        (
            "return string.lower('ÀÉß ABC'), string.upper('àéß abc'), ('ǆ'):upper(), ('Ω'):lower()",
            "àéß abc ÀÉß ABC Ǆ ω",
        ),
        (
            "return string.upper('\\255a'), string.lower('\\255A') == '\\255a', string.upper(''), string.upper('ɐ')",
            "\u{fffd}A true  Ɐ",
        ),
        ("return string.rep('ab', 3), string.rep('x', 0), string.rep('x', -1), string.reverse('abc')", "ababab   cba"),
        (
            "return string.sub('hello', 2, -2), ('hello'):sub(-3), ('hello'):sub(2), ('hello'):sub(4, 2), ('hello'):sub(0)",
            "ell llo ello  hello",
        ),
        (
            "return string.unpack('<i4', string.pack('<i4', 100)), string.packsize('<i4i8'), string.pack('>I2', 258):byte(1, -1)",
            "100 12 1 2",
        ),
        (
            "return string.unpack('z', 'abc\\0d'), string.unpack('s1', '\\3xyz'), string.unpack('<d', string.pack('<d', 1.5))",
            "abc xyz 1.5 9",
        ),
        ("string.pack('y', 1)", "!t:1: invalid format option 'y'"),
        ("string.unpack('<i8', 'abc')", "!t:1: bad argument #2 to unpack (data string too short)"),
        ("string.unpack('z', 'abc')", "!t:1: bad argument #2 to unpack (unfinished string for format 'z')"),
        ("return ('x'):rep(3), ('%d'):format(5), #('x'):rep(1000)", "xxx 5 1000"),
        (
            "return 'a' < 'b', 'Z' < 'a', 'a' < 'ab', 'é' > 'z', '' < 'a', 'a\\0b' < 'a\\0c'",
            "true true true true true true",
        ),
        (
            "return string.rep('', 1e18), string.rep('', 5, ''), string.rep('', 3, '-'), string.rep('ab', 2, '-')",
            "  -- ab-ab",
        ),
        (
            "return string.find(('a'):rep(3e6), ('a'):rep(1e6) .. 'b', 1, true), string.find('abcab', 'ab', 2, true), ('x'):find('', 1, true)",
            "nil 4 1 0",
        ),
        ("string.x = 1", "!t:1: attempt to modify Immutable table"),
        ("return ('x').y", "nil"),
    ]);
}

#[test]
fn string_format() {
    check(&[
        ("return string.format('%d %i %5d|%-5d|%05d|%+d', 3, 4.9, 5, 6, 7, 8)", "3 4     5|6    |00007|+8"),
        ("return string.format('%d %d', 3.7, '12'), string.format('%d', -3.7)", "3 12 -3"),
        (
            "return string.format('%d', 'abc'), string.format('%d'), string.format('%d', {}):match('^%%!d%(table=')",
            "%!d(string=abc) %!d(MISSING) %!d(table=",
        ),
        (
            "return string.format('%d', nil), string.format('%s %s', 1), string.format('%y', 3)",
            "%!d(nil=nil) 1 %!s(MISSING) %!y(number=3)",
        ),
        ("return string.format('%d', 1, 2, 3), string.format('100%%'), string.format('%')", "1 100% %!(NOVERB)"),
        (
            "return string.format('%f %.2f %8.3f|%-8.1f|%08.2f', 1.5, 2.345, 3.14159, 2.5, -3.14159)",
            "1.500000 2.35    3.142|2.5     |-0003.14",
        ),
        (
            "return string.format('%f %.0f %f', 3, 2.5, 1/0), string.format('%.1f %f', -1/0, 0/0)",
            "3.000000 2 +Inf -Inf NaN",
        ),
        ("return string.format('%e %.2e %E', 12345.678, 0.00012, 1.5)", "1.234568e+04 1.20e-04 1.500000E+00"),
        ("return string.format('%g %g %g %g %g', 0.1, 100000, 1e20, 3, 1/3)", "0.1 100000 1e+20 3 0.3333333333333333"),
        ("return string.format('%.3g %.10g %5g|', 1234.5678, 0.1, 2)", "1.23e+03 0.1     2|"),
        ("return string.format('%x %X %x %o %#x', 255, 255, -255, 8, 255)", "ff FF -ff 10 0xff"),
        ("return string.format('%x', 255.9), string.format('%x', 'hi')", "ff 6869"),
        ("return string.format('%c%c%c', 72, 105, 233)", "Hié"),
        ("return string.format('%s %s %s %s', 'x', 1.0, true, nil)", "x 1 true nil"),
        ("return string.format('%5s|%-5s|%.2s|%5.1s|', 'ab', 'ab', 'abc', 'xyz')", "   ab|ab   |ab|    x|"),
        ("return string.format('%5s|%.2s|', 'é', 'éàü')", "    é|éà|"),
        (
            "return string.format('%s', setmetatable({}, {__tostring = function() return 'T' end})), string.format('%s', err)",
            "T disk full",
        ),
        ("return string.format('%5s|%-6s|', true, 12)", " true|12    |"),
        (r#"return string.format('%q', 'a"b\n\\ \0 é')"#, r#""a\"b\n\\ \x00 é""#),
        (
            "return string.format('%q', 5), string.format('%q', '\\255'), string.format('%5q|', 'a')",
            "\"5\" \"\\xff\"   \"a\"|",
        ),
        ("return string.format('%5.1f|%+.1f|% d', 2.25, 2.25, 5)", "  2.2|+2.2| 5"),
        ("return #string.format('%99999d', 1), #string.format('%.99999f', 0.5)", "1000 1002"),
        ("return #string.format('%s', ('x'):rep(10000)), #string.format('%20s%s', 'x', ('y'):rep(5000))", "10000 5020"),
        (
            "return string.format('%s%q%s', ('a'):rep(2000), ('b'):rep(2000), 'c') == ('a'):rep(2000) .. '\"' .. ('b'):rep(2000) .. '\"c'",
            "true",
        ),
        (
            "return string.format('%d', math.huge), string.format('%d', -1/0), string.format('%d', 0/0)",
            "9223372036854775807 -9223372036854775808 0",
        ),
        ("return string.format('%.3d|%8.3d|', 5, 5)", "005|     005|"),
    ]);
}
