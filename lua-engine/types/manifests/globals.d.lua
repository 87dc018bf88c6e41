-- Base functions and other names that every program has. `assert`, `error`, `ipairs`, `pairs`, `require` and
-- `setmetatable` mean more to the checker than can be written down here.
interface package
  path: string
  cpath: string
  function loadlib(name: any, symbol: any): any
  function seeall(module: any): any
end

interface globals
  _VERSION: string
  package: package
  function assert(value: any, message: any): any
  function collectgarbage(option: string?, argument: number?): any
  function error(value: any, level: number?): never
  function getmetatable(value: any): any
  function ipairs(table: any): any
  function next(table: any, key: any): any
  function pairs(table: any): any
  function pcall(f: any, ...: any): (boolean, any)
  function print(...: any): ()
  function rawequal(a: any, b: any): boolean
  function rawget(table: any, key: any): any
  function rawlen(value: any): integer
  function rawset(table: any, key: any, value: any): any
  function require(name: string): any
  function select(n: any, ...: any): any
  function setmetatable(table: any, metatable: any): any
  function subscribe(topic: string, channel: any): any
  function tonumber(value: any, base: number?): number?
  function tostring(value: any): string
  function type(value: any): string
  function unpack(table: any, first: number?, last: number?): any
  function unsubscribe(channel: any): any
  function xpcall(f: any, handler: any, ...: any): (boolean, any)
end
