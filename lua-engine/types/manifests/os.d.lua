-- What is left of the `os` library: time.
type DateTable = {
  year: integer, month: integer, day: integer, hour: integer, min: integer, sec: integer,
  wday: integer, yday: integer, isdst: boolean
}

interface os
  platform: string
  function clock(): number
  function date(format: string?, time: number?): any
  function difftime(later: number, earlier: number): number
  function time(at: any): integer
end
