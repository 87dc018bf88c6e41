-- Variables of the environment.
interface env
  function get(key: string): (string, error?)
  function set(key: string, value: any): (boolean, error?)
  function get_all(): any
end
