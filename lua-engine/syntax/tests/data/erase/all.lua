type Money = {amount: number,
  b: string}
local limit: integer, label: string? = 10, nil
local function pay<T: Money>(m: T, ...: any): (T?, string?)
  return m, nil
end
local m = {amount = "x" :: any} as Money
(f or g)()
local q = pay(m)!
type B = C
(f)()
interface Shape: Base
  function area(self: Self): number
end
local s = "\d\x41\." .. 0010
