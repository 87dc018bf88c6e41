-- Streams of bytes, made by other modules; the module itself is empty.
interface Scanner
  function scan(): (boolean, error?)
  function text(): string
  function err(): string?
end

interface Stream
  function read(size: number?): (string?, error?)
  function write(data: string): (integer, error?)
  function seek(whence: string?, offset: number?): (integer, error?)
  function flush(): (boolean, error?)
  function stat(): any
  function close(): (boolean, error?)
  function scanner(split: string?): Scanner
end

interface stream
end
