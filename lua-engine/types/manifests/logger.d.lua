-- The module is itself a logger.
interface Logger
  function debug(message: string, fields: any): ()
  function info(message: string, fields: any): ()
  function warn(message: string, fields: any): ()
  function error(message: string, fields: any): ()
  function with(fields: any): Logger
  function named(name: string): Logger
end

type logger = Logger
