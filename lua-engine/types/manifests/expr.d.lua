-- Expressions over data.
interface Program
  function run(env: any): (any, error?)
end

interface expr
  function eval(expression: string, env: any): (any, error?)
  function compile(expression: string, env: any): (Program?, error?)
end
