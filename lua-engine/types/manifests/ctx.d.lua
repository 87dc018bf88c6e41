-- Values given along with a call.
interface ctx
  function get(key: string): any
  function all(): any
end
