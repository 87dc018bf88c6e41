-- Texts.
interface Regexp
  function match_string(text: string): boolean
  function find_string(text: string): string?
  function find_all_string(text: string): {string}
  function find_string_submatch(text: string): any
  function find_all_string_submatch(text: string): any
  function find_string_index(text: string): any
  function find_all_string_index(text: string): any
  function replace_all_string(text: string, replacement: string): string
  function split(text: string, count: number?): {string}
  function num_subexp(): integer
  function subexp_names(): {string}
  function string(): string
end

type Delta = {operation: string, text: string}

interface Differ
  function compare(a: string, b: string): ({Delta}, error?)
  function pretty_text(deltas: any): (string, error?)
  function pretty_html(deltas: any): (string, error?)
  function patch_make(a: string, b: string): (any, error?)
  function patch_apply(patches: any, text: string): (string, any)
  function summarize(deltas: any): any
end

interface Splitter
  function split_text(text: string): ({string}, error?)
  function split_batch(pages: any): (any, error?)
end

interface text_regexp
  function compile(pattern: string): (Regexp, error?)
end

interface text_diff
  function new(options: any): (Differ, error?)
end

interface text_splitter
  function recursive(options: any): (Splitter, error?)
  function markdown(options: any): (Splitter, error?)
end

interface text
  regexp: text_regexp
  diff: text_diff
  splitter: text_splitter
end
