-- Files in filesystem entries.
interface Scanner
  function scan(): boolean
  function text(): string
  function err(): error?
end

interface File
  function read(size: number?): (string?, error?)
  function write(data: string): (boolean, error?)
  function seek(whence: string, offset: number): (integer?, error?)
  function stat(): (any, error?)
  function sync(): (boolean, error?)
  function scanner(split: string?): (Scanner, error?)
  function close(): (boolean, error?)
end

interface FS
  function chdir(path: string): (boolean, error?)
  function pwd(): string
  function open(path: string, mode: string): (File, error?)
  function stat(path: string): (any, error?)
  function mkdir(path: string): (boolean, error?)
  function remove(path: string): (boolean, error?)
  function readdir(path: string): (any, any)
  function exists(path: string): (boolean, error?)
  function isdir(path: string): (boolean, error?)
  function readfile(path: string): (string, error?)
  function read_file(path: string): (string, error?)
  function writefile(path: string, data: any, mode: string?): (boolean, error?)
  function write_file(path: string, data: any, mode: string?): (boolean, error?)
end

interface fs_type
  FILE: string
  DIR: string
end

interface fs_seek
  SET: string
  CUR: string
  END: string
end

interface fs
  type: fs_type
  seek: fs_seek
  function get(name: string): (FS, error?)
end
