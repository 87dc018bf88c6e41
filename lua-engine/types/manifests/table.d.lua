-- The table library.
interface table
  function concat(list: any, separator: string?, first: number?, last: number?): string
  function create(elements: number?, fields: number?): any
  function freeze<T>(table: T): T
  function getn(table: any): integer
  function insert(list: any, ...: any): ()
  function isfrozen(table: any): boolean
  function maxn(table: any): integer
  function move(from: any, first: number, last: number, at: number, to: any): any
  function pack(...: any): any
  function remove(list: any, position: number?): any
  function sort(list: any, before: any): ()
  function unpack(list: any, first: number?, last: number?): any
end
