type F = (a: T, ...any) -> (T?, error?)
type G = fun(x: T): fun()
type H = () -> ()
type I = fun(): ()
