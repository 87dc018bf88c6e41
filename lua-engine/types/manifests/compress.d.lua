-- Compression.
interface compress_gzip
  function encode(data: string, options: any): (string, error?)
  function decode(data: string, options: any): (string, error?)
end

interface compress_deflate
  function encode(data: string, options: any): (string, error?)
  function decode(data: string, options: any): (string, error?)
end

interface compress_zlib
  function encode(data: string, options: any): (string, error?)
  function decode(data: string, options: any): (string, error?)
end

interface compress_brotli
  function encode(data: string, options: any): (string, error?)
  function decode(data: string, options: any): (string, error?)
end

interface compress_zstd
  function encode(data: string, options: any): (string, error?)
  function decode(data: string, options: any): (string, error?)
  function train_dict(samples: any, options: any): (string, error?)
  function inspect_dict(dict: string): (any, error?)
end

interface compress
  gzip: compress_gzip
  deflate: compress_deflate
  zlib: compress_zlib
  brotli: compress_brotli
  zstd: compress_zstd
end
