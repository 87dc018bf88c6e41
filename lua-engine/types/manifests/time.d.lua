-- Moments, durations, time zones and timers. A duration argument is a number of nanoseconds, a text or a Duration.
interface Location
  function string(): string
end

interface Duration
  function nanoseconds(): integer
  function microseconds(): integer
  function milliseconds(): integer
  function seconds(): number
  function minutes(): number
  function hours(): number
end

interface Time
  function add(duration: any): Time
  function sub(other: any): Duration
  function add_date(years: number, months: number, days: number): Time
  function before(other: any): boolean
  function after(other: any): boolean
  function equal(other: any): boolean
  function format(layout: string): string
  function format_rfc3339(): string
  function unix(): integer
  function unix_nano(): integer
  function date(): (integer, integer, integer)
  function clock(): (integer, integer, integer)
  function year(): integer
  function month(): integer
  function day(): integer
  function hour(): integer
  function minute(): integer
  function second(): integer
  function nanosecond(): integer
  function weekday(): integer
  function year_day(): integer
  function is_zero(): boolean
  function in_location(location: any): Time
  function utc(): Time
  function in_local(): Time
  function location(): Location
  function round(to: any): Time
  function truncate(to: any): Time
end

interface Timer
  function response(): channel.Channel<Time>
  function channel(): channel.Channel<Time>
  function stop(): boolean
  function reset(duration: any): boolean
end

interface Ticker
  function response(): channel.Channel<Time>
  function channel(): channel.Channel<Time>
  function stop(): boolean
end

interface time
  NANOSECOND: integer
  MICROSECOND: integer
  MILLISECOND: integer
  SECOND: integer
  MINUTE: integer
  HOUR: integer
  JANUARY: integer
  FEBRUARY: integer
  MARCH: integer
  APRIL: integer
  MAY: integer
  JUNE: integer
  JULY: integer
  AUGUST: integer
  SEPTEMBER: integer
  OCTOBER: integer
  NOVEMBER: integer
  DECEMBER: integer
  SUNDAY: integer
  MONDAY: integer
  TUESDAY: integer
  WEDNESDAY: integer
  THURSDAY: integer
  FRIDAY: integer
  SATURDAY: integer
  RFC3339: string
  RFC3339NANO: string
  RFC822: string
  RFC822Z: string
  RFC850: string
  RFC1123: string
  RFC1123Z: string
  KITCHEN: string
  STAMP: string
  STAMP_MILLI: string
  STAMP_MICRO: string
  STAMP_NANO: string
  DATE_TIME: string
  DATE_ONLY: string
  TIME_ONLY: string
  utc: Location
  localtz: Location
  function now(): Time
  function date(year: number, month: number, day: number, hour: number, minute: number, second: number, nanosecond: number, location: any): Time
  function unix(seconds: number, nanoseconds: number): Time
  function parse(layout: string, value: string, location: any): (Time, error?)
  function parse_duration(value: any): (Duration, error?)
  function load_location(name: string): (Location, error?)
  function fixed_zone(name: string, seconds: number): Location
  function sleep(duration: any): any
  function after(duration: any): channel.Channel<Time>
  function timer(duration: any): (Timer, error?)
  function ticker(duration: any): (Ticker, error?)
end
