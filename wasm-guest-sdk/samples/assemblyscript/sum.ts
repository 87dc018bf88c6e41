// A function: `sum` of two integers.
export function sum(a: i32, b: i32): i32 {
  return a + b;
}
