-- The string library, also the methods of strings.
interface string
  function byte(s: string, first: number?, last: number?): integer
  function char(...: number): string
  function dump(f: any): string
  function find(s: string, pattern: string, init: number?, plain: any): (integer?, integer?)
  function format(format: string, ...: any): string
  function gfind(s: string, pattern: string, init: number?): () -> (string, string, string, string, string)
  function gmatch(s: string, pattern: string, init: number?): () -> (string, string, string, string, string)
  function gsub(s: string, pattern: string, replacement: any, n: number?): (string, integer)
  function len(s: string): integer
  function lower(s: string): string
  function match(s: string, pattern: string, init: number?): string?
  function pack(format: string, ...: any): string
  function packsize(format: string): integer
  function rep(s: string, n: number, separator: string?): string
  function reverse(s: string): string
  function sub(s: string, first: number, last: number?): string
  function unpack(format: string, s: string, position: number?): any
  function upper(s: string): string
end
