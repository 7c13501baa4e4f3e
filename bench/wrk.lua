-- One workload for wrk. Arguments: method, file with one path a line, expected status, body ("{n}" becomes another
-- number each time), what the numbers begin with. Prints what it counted as one line of JSON.

local expected, body, beginning
local paths, requests = {}, {}
local sent = 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  wrk.method = arguments[1]
  for path in io.lines(arguments[2]) do table.insert(paths, path) end
  expected, body, beginning = tonumber(arguments[3]), arguments[4] or "", arguments[5] or ""
  unexpected = 0
  if body == "" then
    for index, path in ipairs(paths) do requests[index] = wrk.format(nil, path) end
  end
end

function request()
  sent = sent + 1
  local index = (sent - 1) % #paths + 1
  if body == "" then return requests[index] end
  return wrk.format(nil, paths[index], nil, (body:gsub("{n}", beginning .. sent)))
end

function response(status)
  if status ~= expected then unexpected = unexpected + 1 end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("unexpected") end
  io.write(string.format(
    '\n{"requests": %d, "failed": %d, "seconds": %.6f, "median": %.3f, "percentile_99": %.3f}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
