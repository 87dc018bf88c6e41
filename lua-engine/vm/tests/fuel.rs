//! What C code does in one go is taken off the fuel: a program that does little but call it asks its host again and
//! again. Counted in looks of the host, not in time.

mod support;

use std::cell::Cell;
use std::ffi::c_int;

use support::{load, own_vm, run};
use wippy_lua_vm::ffi::*;
use wippy_lua_vm::sys;

thread_local! {
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

const SLICE: c_int = 4000;

unsafe extern "C-unwind" fn look(l: *mut lua_State, _yieldable: c_int) -> c_int {
    // SAFETY: called by the VM with its live state.
    unsafe { sys::wippy_setfuel(l, SLICE) };
    LOOKS.set(LOOKS.get() + 1);
    0
}

/// Looks of the host during twenty rounds of `work`, after `setup`.
fn looks(setup: &str, work: &str) -> u32 {
    let vm = own_vm();
    let chunk = format!("{setup} start() for _ = 1, 20 do {work} end finish()");
    unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
        LOOKS.set(0);
        // SAFETY: called by Lua.
        unsafe { sys::wippy_setfuel(l, SLICE) };
        0
    }
    unsafe extern "C-unwind" fn finish(_: *mut lua_State) -> c_int {
        DONE.set(LOOKS.get());
        0
    }
    thread_local! {
        static DONE: Cell<u32> = const { Cell::new(0) };
    }
    // SAFETY: live state.
    unsafe {
        lua_register(vm.state(), c"start".as_ptr(), start);
        lua_register(vm.state(), c"finish".as_ptr(), finish);
        sys::wippy_setpreempt(vm.state(), Some(look));
    }
    run(&vm, &chunk).unwrap_or_else(|e| panic!("{setup} {work}: {e}"));
    DONE.get()
}

#[test]
fn work_in_c_is_charged() {
    let text = "local big, other = ('ab'):rep(500000), ('ab'):rep(500000)";
    let list = "local t = {} for i = 1, 100000 do t[i] = i * 7919 % 100003 end";
    for (setup, work) in [
        ("", "('x'):rep(1000000)"),
        (text, "local s = big .. 'c'"),
        (text, "big:upper()"),
        (text, "('é'):rep(100000):lower()"),
        (text, "big:reverse()"),
        (text, "big:sub(2)"),
        (text, "string.format('%s!', big)"),
        (text, "string.format('%q', big)"),
        (text, "string.pack('s4', big)"),
        (text, "big:find('c', 1, true)"),
        (text, "big:find('[cd]')"),
        (text, "big:find('x*$')"),
        (text, "big:match('^.-c')"),
        (text, "big:match('^.*c')"),
        (text, "('('):rep(500000):match('^%b()')"),
        (text, "('a'):rep(1000):find('(a*)b%1')"),
        (text, "('ab'):find('[' .. ('x'):rep(500000) .. ']')"),
        (text, "big:gsub('a', 'c')"),
        (text, "big:gsub('a', {a = 'c'})"),
        (text, "for _ in big:gmatch('c') do end"),
        (text, "local _ = big == other"),
        (text, "local _ = big < other"),
        (text, "local _ = big <= other"),
        (text, "local t = {[big] = 1} local _ = t[other]"),
        (text, "rawget({[big] = 1}, other)"),
        ("local digits = ('1'):rep(100000)", "tonumber(digits)"),
        ("local digits = ('1'):rep(100000)", "tonumber(digits, 2)"),
        ("local digits = ('1'):rep(100000)", "local _ = digits + 1"),
        (list, "table.concat(t, ',')"),
        (list, "table.insert(t, 1, 0)"),
        (list, "table.remove(t, 1)"),
        (list, "table.sort(t)"),
        (list, "table.maxn(t)"),
        (list, "local u = {} for i = 1, 10 do u[i] = t end table.concat(t)"),
        ("", "table.create(100000, 100000)"),
        (
            "local t = {} for i = 1, 100000 do t[i] = i t['k' .. i] = i end for k in pairs(t) do t[k] = nil end",
            "next(t)",
        ),
        ("local t = {} for i = 1, 100000 do t[i] = i end", "select('#', unpack(t))"),
        (
            "local t = {} for i = 1, 50000 do t[i] = i end local function f(...) return ... end",
            "select('#', f(unpack(t)))",
        ),
        (text, "for _ = 1, 10 do pcall(big.rep, big, 1 << 40) end select('#', big:byte(1, 100000))"),
    ] {
        let n = looks(setup, work);
        assert!(n >= 19, "{n} looks in 20 rounds of {work}");
    }
    // What takes no time is not charged for more than it is.
    for (setup, work) in
        [("", "local x = math.floor(2.5)"), (text, "local n = #big"), (text, "local s = big:sub(1, 10)")]
    {
        assert_eq!(looks(setup, work), 0, "{work}");
    }
}

#[test]
fn a_repetition_over_a_long_class_is_stopped_by_the_budget() {
    let vm = own_vm();
    let hostile = [
        "(('a'):rep(100000)):find('[' .. ('b'):rep(100000) .. 'a]*c')",
        "(('a'):rep(100000)):find(('a-'):rep(20) .. 'b')",
        "(('a'):rep(1000)):find(('a*'):rep(20) .. 'b')",
        "(('('):rep(100000)):find('%b()')",
        "(('a'):rep(100000)):find('(a*)%1b')",
        "(('a'):rep(100000)):find('%f[' .. ('b'):rep(100000) .. ']')",
    ];
    for call in hostile {
        assert_eq!(
            run(&vm, &format!("return select(2, pcall(function() return {call} end))")).unwrap(),
            "t:1: pattern too complex",
            "{call}"
        );
    }
    // As many matches as there are brackets, each short.
    let balanced = "local s = ('(x)'):rep(100000) local n = 0 for _ in s:gmatch('%b()') do n = n + 1 end
        return n, (s:gsub('%b()', '')) == '', select(2, s:gsub('%b()', ''))";
    assert_eq!(run(&vm, balanced), Ok("100000 true 100000".into()));
}

#[test]
fn no_input_makes_sort_quadratic() {
    // McIlroy's adversary (1999): answers comparisons so that every pivot is bad.
    let chunk = "local n, val, solid, candidate, count = 20000, {}, 0, 0, 0
        local gas = n
        local t = {} for i = 1, n do t[i] = i val[i] = gas end
        table.sort(t, function(x, y)
            count = count + 1
            if val[x] == gas and val[y] == gas then
                if x == candidate then val[x] = solid else val[y] = solid end
                solid = solid + 1
            end
            if val[x] == gas then candidate = x elseif val[y] == gas then candidate = y end
            return val[x] < val[y]
        end)
        for i = 2, n do assert(val[t[i - 1]] <= val[t[i]]) end
        return count < 200 * n or count";
    assert_eq!(run(&own_vm(), chunk), Ok("true".into()));
    // Whatever the order function says, nothing is lost.
    for f in ["return true", "return a > b or a < b", "n = n + 1 return n % 2 == 0", "n = n + 1 return n % 1000 ~= 0"] {
        let chunk = format!(
            "local n, t = 0, {{}} for i = 1, 5000 do t[i] = i end table.sort(t, function(a, b) {f} end)
             local seen = {{}} for i = 1, 5000 do assert(not seen[t[i]]) seen[t[i]] = true end return #t"
        );
        assert_eq!(run(&own_vm(), &chunk), Ok("5000".into()), "{f}");
    }
}

#[test]
fn a_full_stack_does_not_make_fuel_endless() {
    let vm = own_vm();
    let l = vm.state();
    let overflow = |fuel: c_int| {
        // SAFETY: live state.
        unsafe {
            lua_settop(l, 0);
            load(l, "local function deeper() return 1 + deeper() end return pcall(deeper)").unwrap();
            sys::wippy_setfuel(l, fuel);
            let mut results = 0;
            assert_eq!(lua_resume(l, std::ptr::null_mut(), 0, &mut results), LUA_OK);
            fuel - sys::wippy_getfuel(l)
        }
    };
    let depth = overflow(c_int::MAX);
    // SAFETY: live state.
    unsafe { sys::wippy_setpreempt(l, Some(look)) };
    // The fuel ends where the stack has no room to ask: a few calls before the error, which costs some fuel itself.
    for early in (30..60).step_by(7) {
        let used = overflow(depth - early);
        assert!(used >= 0, "{early} before: {} more fuel than before", -used);
    }
}
