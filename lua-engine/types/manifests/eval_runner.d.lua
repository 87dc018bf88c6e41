-- Evaluation of Lua source.
interface Program
  function method(): string
  function modules(): {string}
end

interface eval_runner
  function run(config: any): any
  function compile(source: string, ...: any): (Program, error?)
end
