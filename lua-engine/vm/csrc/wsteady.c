/*
** wsteady.c: chunks that do the same each time they run.
**
** A chunk is steady if all it does is make functions, tables and constants,
** read and set names and fields, and call 'require' with a constant name.
** Whether such a chunk fails depends on nothing but the globals it starts with,
** so a host that has run it once knows how it ends next time in a fresh state
** with the same globals, but for a lack of memory. The host's 'require' must
** only read, and reading a global must not depend on anything else either.
**
** I1. Nothing but 'require' is called: operators, comparisons and indices that
**     are not constants, which could reach a metamethod or a program's own
**     function, are not among the instructions below, and no field or global
**     called "require" is set. Fields are read and set in tables that no
**     metatable of the program can have been given to.
** I2. It has no loops and no branches.
*/
#define wsteady_c
#define LUA_CORE

#include "lprefix.h"

#include <string.h>

#include "lua.h"

#include "lobject.h"
#include "lopcodes.h"
#include "lstate.h"
#include "wippy.h"


static int isrequire (const Proto *p, int k) {
  const TValue *o = &p->k[k];
  return ttisstring(o) && strcmp(getstr(tsvalue(o)), "require") == 0;
}

/* 'require "name"': the global, the name and the call, one after the other */
static int callsrequire (const Proto *p, int pc) {
  Instruction call = p->code[pc], get, name;
  if (pc < 2) return 0;
  get = p->code[pc - 2];
  name = p->code[pc - 1];
  return GETARG_B(call) == 2
      && GET_OPCODE(get) == OP_GETTABUP && GETARG_A(get) == GETARG_A(call)
      && isrequire(p, GETARG_C(get))
      && GET_OPCODE(name) == OP_LOADK && GETARG_A(name) == GETARG_A(call) + 1;
}

static int steady (const Proto *p, int pc) {
  Instruction i = p->code[pc];
  switch (GET_OPCODE(i)) {
    case OP_VARARGPREP: case OP_EXTRAARG: case OP_MOVE:
    case OP_LOADI: case OP_LOADF: case OP_LOADK: case OP_LOADKX:
    case OP_LOADNIL: case OP_LOADTRUE: case OP_LOADFALSE:
    case OP_CLOSURE: case OP_NEWTABLE: case OP_SETLIST:
    case OP_GETTABUP: case OP_GETFIELD:
    case OP_RETURN: case OP_RETURN0: case OP_RETURN1:
      return 1;
    case OP_SETTABUP: case OP_SETFIELD:
      return !isrequire(p, GETARG_B(i));
    case OP_CALL:
      return callsrequire(p, pc);
    default:
      return 0;
  }
}

LUA_API int wippy_issteady (lua_State *L, int idx) {
  const TValue *o = s2v(idx > 0 ? L->ci->func.p + idx : L->top.p + idx);
  const Proto *p;
  int pc;
  if (!ttisLclosure(o)) return 0;
  p = clLvalue(o)->p;
  for (pc = 0; pc < p->sizecode; pc++)
    if (!steady(p, pc)) return 0;
  return 1;
}
