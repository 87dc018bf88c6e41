-- The math library. What may come out whole is called an integer: that fits a number as well.
interface math
  pi: number
  huge: number
  maxinteger: integer
  mininteger: integer
  function abs(x: number): integer
  function acos(x: number): number
  function asin(x: number): number
  function atan(y: number, x: number?): number
  function atan2(y: number, x: number): number
  function ceil(x: number): integer
  function cos(x: number): number
  function cosh(x: number): number
  function deg(x: number): number
  function exp(x: number): number
  function floor(x: number): integer
  function fmod(x: number, y: number): integer
  function frexp(x: number): (number, integer)
  function ldexp(m: number, e: number): number
  function log(x: number, base: number?): number
  function log10(x: number): number
  function max(first: number, ...: number): integer
  function min(first: number, ...: number): integer
  function mod(x: number, y: number): integer
  function modf(x: number): (integer, number)
  function pow(x: number, y: number): integer
  function rad(x: number): number
  function random(first: number?, last: number?): integer
  function randomseed(x: any, y: any): any
  function sin(x: number): number
  function sinh(x: number): number
  function sqrt(x: number): number
  function tan(x: number): number
  function tanh(x: number): number
  function tointeger(x: any): integer?
  function type(x: any): string?
  function ult(a: number, b: number): boolean
end
