-- Counters, gauges and histograms.
interface metrics
  function counter_inc(name: string, labels: any): (boolean, error?)
  function counter_add(name: string, value: number, labels: any): (boolean, error?)
  function gauge_set(name: string, value: number, labels: any): (boolean, error?)
  function gauge_inc(name: string, labels: any): (boolean, error?)
  function gauge_dec(name: string, labels: any): (boolean, error?)
  function histogram(name: string, value: number, labels: any): (boolean, error?)
end
